"""What revisions put in force beside themselves: wallets, and the rewards, coupons and referral they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from django.db import transaction

from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward, ReferralTerms
from rewards.domain.programs import Revision
from rewards.models import (
    CouponCampaign,
    CouponDefinition,
    CouponKind,
    Reward,
    RewardKind,
    VelocityKind,
    Wallet,
)
from rewards.services import catalogue, referral_programs, velocity
from rewards.services.coupons import campaigns, definitions
from rewards.services.coupons.campaigns import CampaignTerms
from rewards.services.coupons.definitions import DefinitionTerms
from rewards.services.referral_programs import ProgramTerms
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput


def put_in_force(revision: Revision, former: Revision | None, *, by: Actor, at: datetime) -> None:
    """Create the wallets and write what the revision governs; what only the former one did is withdrawn.

    Raises ``InvalidInput`` with pointers into the document.
    """
    Wallet.objects.bulk_create(
        [Wallet(key=wallet.key, name=wallet.name, created_at=at) for wallet in revision.wallets],
        ignore_conflicts=True,
    )
    for index, coupon in enumerate(revision.coupons):
        with _at(f"/coupons/{index}"):
            _save_coupon(coupon, by=by, at=at)
    for index, campaign in enumerate(revision.coupon_campaigns):
        with _at(f"/coupon_campaigns/{index}"):
            _save_campaign(campaign, by=by, at=at)
    for index, reward in enumerate(revision.rewards):
        with _at(f"/rewards/{index}"):
            _save_reward(reward, by=by, at=at)
    if revision.referral is not None:
        with _at("/referral"):
            referral_programs.save_program(terms=_terms(revision.referral), by=by, at=at, of_program=True)
    for limit in revision.policies.velocity_limits:
        pace = velocity.Limit(limit.most, limit.window_hours)
        velocity.save_limit(kind=VelocityKind(limit.kind.value), limit=pace, by=by, at=at, of_program=True)
    if former is not None:
        _withdraw(revision, former, by=by, at=at)


def check(revision: Revision, *, by: Actor, at: datetime) -> None:
    """Raise what ``put_in_force`` would raise, and write nothing."""
    if not (revision.coupons or revision.coupon_campaigns or revision.rewards or revision.referral):
        return
    with transaction.atomic():
        put_in_force(revision, None, by=by, at=at)
        transaction.set_rollback(True)


# What the services call otherwise than documents do.
_WRITTEN_AS: Final = {"/definitions": "/coupons"}


@contextmanager
def _at(pointer: str) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        prefix = f"/document{pointer}"
        errors = [
            FieldError(f"{prefix}{_WRITTEN_AS.get(each.pointer, each.pointer)}", each.code, each.detail)
            for each in error.errors
        ]
        raise InvalidInput("The program is not valid.", errors=errors) from error


def _save_coupon(coupon: OfferedCoupon, *, by: Actor, at: datetime) -> None:
    row = CouponDefinition.objects.select_related("campaign").filter(key=coupon.key).first()
    terms = DefinitionTerms(name=coupon.name, kind=CouponKind(coupon.kind), **coupon.terms)
    definitions.save(
        key=coupon.key, terms=terms, campaign=row.campaign if row else None, skus=coupon.items, by=by, at=at,
        of_program=True,
    )  # fmt: skip


def _save_campaign(campaign: OfferedCampaign, *, by: Actor, at: datetime) -> None:
    terms = CampaignTerms(
        name=campaign.name,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        is_targeted=campaign.is_targeted,
        limit_uses=campaign.limit_uses,
        limit_discount_minor=campaign.limit_discount_minor,
    )
    campaigns.save(
        key=campaign.key, terms=terms, definition_keys=campaign.coupons, by=by, at=at, of_program=True
    )


def _save_reward(reward: OfferedReward, *, by: Actor, at: datetime) -> None:
    catalogue.save_reward(
        key=reward.key,
        name=reward.name,
        description=reward.description,
        kind=RewardKind(reward.kind.value),
        wallet_key=reward.wallet,
        cost_points=reward.cost_points,
        stock=reward.stock,
        keeps_stock=True,
        is_active=reward.is_active,
        offer=catalogue.RewardOffer(
            coupon_definition=reward.coupon,
            segments=reward.segments,
            tiers=reward.tiers,
            limit_per_customer=reward.limit_per_customer,
            valid_from=reward.valid_from,
            valid_until=reward.valid_until,
            needs_shipping=reward.needs_shipping,
            prices=reward.prices,
        ),
        by=by,
        at=at,
        of_program=True,
    )


def _withdraw(revision: Revision, former: Revision, *, by: Actor, at: datetime) -> None:
    """Offer no more what the former revision governed and this one leaves out; codes and redemptions stay."""
    coupons = {each.key for each in former.coupons} - {each.key for each in revision.coupons}
    for row in CouponDefinition.objects.filter(key__in=coupons, is_active=True).order_by("pk"):
        definitions.change(definition=row, values={"is_active": False}, by=by, at=at, of_program=True)
    rewards = {each.key for each in former.rewards} - {each.key for each in revision.rewards}
    for reward in Reward.objects.filter(key__in=rewards, is_active=True).order_by("pk"):
        catalogue.withdraw(reward=reward, by=by, at=at)

    kept = {each.key for each in revision.coupon_campaigns}
    gone = [each.key for each in former.coupon_campaigns if each.key not in kept]
    for campaign in CouponCampaign.objects.filter(key__in=gone).order_by("pk"):
        campaigns.end(campaign=campaign, by=by, at=at)
    limited = {each.kind for each in revision.policies.velocity_limits}
    for limit in former.policies.velocity_limits:
        if limit.kind not in limited:
            velocity.drop_limit(kind=VelocityKind(limit.kind.value), by=by, at=at)


def _terms(terms: ReferralTerms) -> ProgramTerms:
    return ProgramTerms(
        is_active=terms.is_active,
        wallet_key=terms.wallet,
        referrer_kind=terms.referrer_kind.value,
        referrer_points=terms.referrer_points,
        referrer_coupon=terms.referrer_coupon,
        referee_kind=terms.referee_kind.value,
        referee_points=terms.referee_points,
        referee_coupon=terms.referee_coupon,
        qualification=terms.qualification.value,
        minimum_order_minor=terms.minimum_order_minor,
        event_name=terms.event_name,
        within_days=terms.within_days,
        upper_points=list(terms.upper_points),
    )

"""What revisions put in force beside themselves: wallets, and the rewards, coupons and referral they name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from django.db import transaction

from rewards.domain.offers import (
    OfferedCampaign,
    OfferedCoupon,
    OfferedReward,
    ReferralTerms,
    is_same,
)
from rewards.domain.policies import VelocityLimit
from rewards.domain.programs import Revision
from rewards.models import (
    CouponCampaign,
    CouponDefinition,
    CouponKind,
    CouponPeriod,
    Reward,
    RewardKind,
    Wallet,
)
from rewards.queries import offers
from rewards.services import catalogue, referral_programs, velocity
from rewards.services.coupons import campaigns, definitions
from rewards.services.coupons.campaigns import CampaignTerms
from rewards.services.coupons.definition_terms import DefinitionTerms
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput

Offer: TypeAlias = OfferedReward | OfferedCoupon | OfferedCampaign | ReferralTerms | VelocityLimit


# In the order in which they name each other.
_LIVE: Final[Mapping[str, Callable[[Collection[str]], Sequence[Any]]]] = {
    "coupons": offers.coupons, "coupon_campaigns": offers.campaigns, "rewards": offers.rewards,
}  # fmt: skip


def put_in_force(revision: Revision, former: Revision | None, *, by: Actor, at: datetime) -> None:
    """Create the wallets and write what the revision governs; what only the former one did is withdrawn.

    What is in force as the revision has it is left alone: of a thousand coupons one or two change. Raises
    ``InvalidInput`` with pointers into the document.
    """
    _make_wallets(revision, at=at)
    for section, live in _LIVE.items():
        offered: Sequence[Any] = getattr(revision, section)
        known = {each.key: each for each in live([each.key for each in offered])}
        for index, offer in enumerate(offered):
            if not is_same(offer, known.get(offer.key)):
                with _at(f"/{section}/{index}"):
                    _write(offer, by=by, at=at)
    if revision.referral is not None and revision.referral != offers.referral():
        with _at("/referral"):
            _write(revision.referral, by=by, at=at)
    limits = offers.velocity_limits()
    for limit in revision.policies.velocity_limits:
        if limit not in limits:
            _write(limit, by=by, at=at)
    if former is not None:
        _withdraw(revision, former, by=by, at=at)


def _make_wallets(revision: Revision, *, at: datetime) -> None:
    Wallet.objects.bulk_create(
        [Wallet(key=wallet.key, name=wallet.name, created_at=at) for wallet in revision.wallets],
        ignore_conflicts=True,
    )


def check(revision: Revision, *, by: Actor, at: datetime) -> None:
    """Raise what ``put_in_force`` would raise, and write nothing."""
    if not (revision.coupons or revision.coupon_campaigns or revision.rewards or revision.referral):
        return
    with transaction.atomic():
        put_in_force(revision, None, by=by, at=at)
        transaction.set_rollback(True)


def try_out(offer: Offer, revision: Revision, *, by: Actor, at: datetime) -> None:
    """Raise what writing this offer of ``revision`` would raise, with pointers into it; write nothing."""
    named = _coupons_of(offer)
    with transaction.atomic():
        _make_wallets(revision, at=at)
        for coupon in revision.coupons:
            if coupon.key in named:
                # One that is wrong itself is told where it stands.
                with suppress(InvalidInput, Conflict):
                    _write(coupon, by=by, at=at)
        _write(offer, by=by, at=at)
        transaction.set_rollback(True)


def _coupons_of(offer: Offer) -> set[str]:
    if isinstance(offer, OfferedReward):
        return {offer.coupon} - {""}
    if isinstance(offer, OfferedCampaign):
        return set(offer.coupons)
    if isinstance(offer, ReferralTerms):
        return {offer.referrer_coupon, offer.referee_coupon} - {""}
    return set()


def _write(offer: Offer, *, by: Actor, at: datetime) -> None:
    if isinstance(offer, OfferedCoupon):
        _save_coupon(offer, by=by, at=at)
    elif isinstance(offer, OfferedCampaign):
        _save_campaign(offer, by=by, at=at)
    elif isinstance(offer, OfferedReward):
        _save_reward(offer, by=by, at=at)
    elif isinstance(offer, ReferralTerms):
        referral_programs.save_program(terms=offer, by=by, at=at, of_program=True)
    else:
        velocity.save_limit(limit=offer, by=by, at=at, of_program=True)


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
        key=coupon.key, terms=terms, campaign=row.campaign if row else None, skus=coupon.items,
        generic_code=coupon.generic_code, by=by, at=at, of_program=True,
    )  # fmt: skip


def _save_campaign(campaign: OfferedCampaign, *, by: Actor, at: datetime) -> None:
    terms = CampaignTerms(
        name=campaign.name,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        is_targeted=campaign.is_targeted,
        limit_uses=campaign.limit_uses,
        limit_discount_minor=campaign.limit_discount_minor,
        limit_uses_period=campaign.limit_uses_period,
        limit_discount_period_minor=campaign.limit_discount_period_minor,
        period=CouponPeriod(campaign.period),
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
        definitions.switch_off(definition=row, by=by, at=at)
    rewards = {each.key for each in former.rewards} - {each.key for each in revision.rewards}
    for reward in Reward.objects.filter(key__in=rewards, is_active=True).order_by("pk"):
        catalogue.withdraw(reward=reward, by=by, at=at)

    if former.referral is not None and revision.referral is None:
        terms = replace(former.referral, is_active=False)
        referral_programs.save_program(terms=terms, by=by, at=at, of_program=True)
    kept = {each.key for each in revision.coupon_campaigns}
    gone = [each.key for each in former.coupon_campaigns if each.key not in kept]
    for campaign in CouponCampaign.objects.filter(key__in=gone).order_by("pk"):
        campaigns.end(campaign=campaign, by=by, at=at)
    limited = {each.kind for each in revision.policies.velocity_limits}
    for limit in former.policies.velocity_limits:
        if limit.kind not in limited:
            velocity.drop_limit(kind=limit.kind, by=by, at=at)

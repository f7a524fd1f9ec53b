"""Rewards, coupons and the referral as they are now, in the shape a program has them."""

from __future__ import annotations

from rewards.domain.documents.reader import KEY
from rewards.domain.offers import (
    OfferedCampaign,
    OfferedCoupon,
    OfferedReward,
    ReferralQualification,
    ReferralReward,
    ReferralTerms,
    RewardKind,
)
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import CouponCampaign, CouponDefinition, CouponItem, ReferralProgram, Reward
from rewards.models import VelocityLimit as StoredLimit

_NO_TERMS = frozenset({
    "id", "tenant", "public_id", "key", "name", "kind", "campaign", "has_items", "created_at", "updated_at",
})  # fmt: skip
_TERMS = [each.name for each in CouponDefinition._meta.concrete_fields if each.name not in _NO_TERMS]


def rewards() -> list[OfferedReward]:
    """Return the rewards on offer whose keys a program can have; stock is counted live and left out."""
    rows = Reward.objects.filter(is_active=True).select_related("wallet", "coupon_definition")
    return [_reward(row) for row in rows.prefetch_related("prices__wallet").order_by("pk") if _fits(row.key)]


def _reward(row: Reward) -> OfferedReward:
    return OfferedReward(
        key=row.key,
        name=row.name,
        kind=RewardKind(row.kind),
        wallet=row.wallet.key,
        cost_points=row.cost_points,
        description=row.description,
        prices={price.wallet.key: price.cost_points for price in row.prices.all()},
        coupon=row.coupon_definition.key if row.coupon_definition else "",
        segments=tuple(row.segments),
        tiers=tuple(row.tiers),
        limit_per_customer=row.limit_per_customer,
        needs_shipping=row.needs_shipping,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def coupons() -> list[OfferedCoupon]:
    """Return the coupons on offer whose keys a program can have; codes and campaigns stay where they are."""
    rows = [row for row in CouponDefinition.objects.filter(is_active=True).order_by("pk") if _fits(row.key)]
    items: dict[int, list[str]] = {}
    found = CouponItem.objects.filter(definition__in=[row for row in rows if row.has_items])
    for definition_id, item in found.order_by("pk").values_list("definition_id", "item__external_id"):
        items.setdefault(definition_id, []).append(item)
    return [_coupon(row, items.get(row.pk, [])) for row in rows]


def _coupon(row: CouponDefinition, items: list[str]) -> OfferedCoupon:
    terms = {name: getattr(row, name) for name in _TERMS}
    return OfferedCoupon(row.key, row.name, row.kind, terms, tuple(items))


def campaigns() -> list[OfferedCampaign]:
    """Return the coupon campaigns whose keys a program can have; recipients stay where they are."""
    rows = CouponCampaign.objects.prefetch_related("definitions").order_by("pk")
    return [
        OfferedCampaign(
            key=row.key,
            name=row.name,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            is_targeted=row.is_targeted,
            limit_uses=row.limit_uses,
            limit_discount_minor=row.limit_discount_minor,
            coupons=tuple(sorted(each.key for each in row.definitions.all())),
        )
        for row in rows
        if _fits(row.key)
    ]


def velocity_limits() -> list[VelocityLimit]:
    """Return the limits of pace that the tenant has of its own."""
    rows = StoredLimit.objects.filter(kind__in=[each.value for each in Pace]).order_by("pk")
    return [VelocityLimit(Pace(row.kind), row.most, row.window_hours) for row in rows]


def items_of(key: str) -> list[str]:
    """Return the items that a coupon is only for, by the client's ids."""
    found = CouponItem.objects.filter(definition__key=key).order_by("pk")
    return list(found.values_list("item__external_id", flat=True))


def referral() -> ReferralTerms | None:
    """Return what a referral pays, if the tenant has ever said so."""
    row = ReferralProgram.objects.first()
    if row is None:
        return None
    return ReferralTerms(
        is_active=row.is_active,
        wallet=row.wallet_key,
        referrer_kind=ReferralReward(row.referrer_kind),
        referrer_points=row.referrer_points,
        referrer_coupon=row.referrer_coupon,
        referee_kind=ReferralReward(row.referee_kind),
        referee_points=row.referee_points,
        referee_coupon=row.referee_coupon,
        qualification=ReferralQualification(row.qualification),
        minimum_order_minor=row.minimum_order_minor,
        event_name=row.event_name,
        within_days=row.within_days,
        upper_points=tuple(row.upper_points),
    )


def _fits(key: str) -> bool:
    return KEY.fullmatch(key) is not None

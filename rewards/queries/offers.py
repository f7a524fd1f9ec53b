"""Rewards, coupons and the referral as they are now, in the shape a program has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Value

from rewards.domain.offers import (
    OfferedCampaign,
    OfferedCoupon,
    OfferedReward,
    ReferralTerms,
    RewardKind,
)
from rewards.domain.policies import Pace, VelocityLimit
from rewards.domain.programs import Revision
from rewards.models import (
    CouponCampaign,
    CouponCode,
    CouponDefinition,
    CouponItem,
    ProgramRevision,
    ReferralProgram,
    RevisionState,
    Reward,
)
from rewards.models import VelocityLimit as StoredLimit

_NO_TERMS = frozenset({
    "id", "tenant", "public_id", "key", "name", "kind", "campaign", "has_items", "created_at", "updated_at",
})  # fmt: skip
_TERMS = [each.name for each in CouponDefinition._meta.concrete_fields if each.name not in _NO_TERMS]


def rewards(keys: Collection[str] | None = None) -> list[OfferedReward]:
    """Return the rewards on offer, or those with these keys; stock is counted live and left out."""
    found = Reward.objects.filter(is_active=True) if keys is None else Reward.objects.filter(key__in=keys)
    rows = found.select_related("wallet", "coupon_definition").prefetch_related("prices__wallet")
    return [_reward(row) for row in rows.order_by("pk")]


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
        is_active=row.is_active,
    )


def coupons(keys: Collection[str] | None = None) -> list[OfferedCoupon]:
    """Return the coupons on offer, or those with these keys; pools of codes stay where they are."""
    found = CouponDefinition.objects.all()
    found = found.filter(is_active=True) if keys is None else found.filter(key__in=keys)
    rows = list(found.order_by("pk"))
    items: dict[int, list[str]] = {}
    listed = CouponItem.objects.filter(definition__in=[row for row in rows if row.has_items])
    for definition_id, item in listed.order_by("pk").values_list("definition_id", "item__external_id"):
        items.setdefault(definition_id, []).append(item)
    codes = _generic_codes([row.pk for row in rows])
    return [_coupon(row, items.get(row.pk, []), codes.get(row.pk, "")) for row in rows]


def _generic_codes(definition_ids: list[int]) -> dict[int, str]:
    """Return the first code for everybody of each definition."""
    rows = CouponCode.objects.filter(definition__in=definition_ids, is_generic=True, pool__isnull=True)
    return dict(rows.order_by("-pk").values_list("definition_id", "code"))


def _coupon(row: CouponDefinition, items: list[str], code: str) -> OfferedCoupon:
    terms = {name: getattr(row, name) for name in _TERMS}
    return OfferedCoupon(row.key, row.name, row.kind, terms, tuple(items), code)


def campaigns(keys: Collection[str] | None = None) -> list[OfferedCampaign]:
    """Return the coupon campaigns, all or those with these keys; recipients stay where they are."""
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
            limit_uses_period=row.limit_uses_period,
            limit_discount_period_minor=row.limit_discount_period_minor,
            period=row.period,
            coupons=tuple(sorted(each.key for each in row.definitions.all())),
        )
        for row in (rows if keys is None else rows.filter(key__in=keys))
    ]


def velocity_limits() -> list[VelocityLimit]:
    """Return the limits of pace that the tenant has of its own."""
    rows = StoredLimit.objects.filter(kind__in=[each.value for each in Pace]).order_by("pk")
    return [VelocityLimit(Pace(row.kind), row.most, row.window_hours) for row in rows]


@dataclass(frozen=True, slots=True)
class Outside:
    """What is on offer and no revision names: keys, the kinds of limits, and whether the referral is."""

    rewards: frozenset[str]
    coupons: frozenset[str]
    campaigns: frozenset[str]
    paces: frozenset[str]
    has_referral: bool

    @property
    def count(self) -> int:
        parts = (self.rewards, self.coupons, self.campaigns, self.paces)
        return sum(map(len, parts)) + self.has_referral


def outside(*revisions: Revision, at: datetime) -> Outside:
    """Return what none of these revisions governs.

    A campaign that was left out of a revision has ended by that, and is not outside.
    """
    rows = (
        Reward.objects.filter(is_active=True)
        .values_list(Value("rewards"), "key")
        .union(
            CouponDefinition.objects.filter(is_active=True).values_list(Value("coupons"), "key"),
            CouponCampaign.objects.values_list(Value("coupon_campaigns"), "key"),
            StoredLimit.objects.filter(kind__in=list(Pace)).values_list(Value("paces"), "kind"),
            ReferralProgram.objects.filter(is_active=True).values_list(Value("referral"), "wallet_key"),
            all=True,
        )
    )
    found: dict[str, set[str]] = defaultdict(set)
    for section, key in rows:
        found[section].add(key)
    for revision in revisions:
        for section in ("rewards", "coupons", "coupon_campaigns"):
            found[section] -= {each.key for each in getattr(revision, section)}
        found["paces"] -= {each.kind.value for each in revision.policies.velocity_limits}
    return Outside(
        rewards=frozenset(found["rewards"]),
        coupons=frozenset(found["coupons"]),
        campaigns=frozenset(found["coupon_campaigns"]) - _left_out(found["coupon_campaigns"], at),
        paces=frozenset(found["paces"]),
        has_referral=bool(found["referral"]) and all(each.referral is None for each in revisions),
    )


def _left_out(campaigns: Collection[str], at: datetime) -> set[str]:
    """Return those that a revision of before governed and none of now names."""
    ended = CouponCampaign.objects.filter(key__in=campaigns, ends_at__lte=at).values_list("key", flat=True)
    retired = ProgramRevision.objects.filter(state=RevisionState.RETIRED)
    return {
        key for key in ended if retired.filter(document__coupon_campaigns__contains=[{"key": key}]).exists()
    }


def referral() -> ReferralTerms | None:
    """Return what a referral pays, if the tenant has ever said so."""
    row = ReferralProgram.objects.first()
    return None if row is None else row.terms

"""Which coupons and rewards an emergency brake keeps back now."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from rewards.models import CouponDefinition, Reward
from rewards.queries import brakes


def coupons(keys: Collection[str], *, at: datetime) -> set[str]:
    """Return those of the coupons that are paused, themselves or by their campaigns."""
    on = brakes.on(at)
    if not on.on or not keys:
        return set()
    rows = CouponDefinition.objects.filter(key__in=keys).values_list("key", "campaign__key")
    return {key for key, campaign in rows if on.pauses_coupon(key, campaign)}


def rewards(keys: Collection[str], *, at: datetime) -> set[str]:
    """Return those of the rewards that are paused, themselves or by the coupons they hand out."""
    on = brakes.on(at)
    if not on.on or not keys:
        return set()
    rows = Reward.objects.filter(key__in=keys).values_list(
        "key", "coupon_definition__key", "coupon_definition__campaign__key"
    )
    return {
        key for key, coupon, campaign in rows if key in on.rewards or on.pauses_coupon(coupon or "", campaign)
    }

"""Coupon campaigns with what they have cost so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from rewards.models import CouponCampaign, CouponRedemptionState, CouponUse
from rewards.queries.coupon_offers import counters

_TAKEN = (CouponRedemptionState.RESERVED, CouponRedemptionState.REDEEMED)


@dataclass(frozen=True, slots=True)
class Spending:
    """Uses and discount (minor units) of a campaign; of a limited one, what its limits counted."""

    uses: int = 0
    discount_minor: int = 0


def listed() -> QuerySet[CouponCampaign]:
    """Return the campaigns with the number of their definitions."""
    return CouponCampaign.objects.annotate(definitions_count=Count("definitions"))


def spending(campaigns: Iterable[CouponCampaign]) -> dict[int, Spending]:
    """Return what each campaign spent, by its id: two queries for any number of campaigns."""
    shown = list(campaigns)
    limited = [each for each in shown if each.limit_uses or each.limit_discount_minor]
    counted = counters([f"campaign:{each.pk}" for each in limited])
    found = {each.pk: Spending(*counted.get(f"campaign:{each.pk}", (0, 0))) for each in limited}
    rest = [each.pk for each in shown if each.pk not in found]
    uses = CouponUse.objects.filter(definition__campaign_id__in=rest, redemption__state__in=_TAKEN)
    rows = uses.values_list("definition__campaign_id").annotate(Count("pk"), Sum("discount_minor")).order_by()
    found |= {pk: Spending(count, discount) for pk, count, discount in rows}
    return {each.pk: found.get(each.pk, Spending()) for each in shown}

"""Coupon definitions as carts and issuing read them: with campaign and emergency brakes, in one statement."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Prefetch, QuerySet

from rewards.domain.brakes import holding
from rewards.models import CouponDefinition
from rewards.queries import brakes


def with_brakes() -> QuerySet[CouponDefinition]:
    """Return definitions that know the brakes on the program in force, for ``is_paused``."""
    return brakes.read_with(CouponDefinition.objects.select_related("campaign"))


def of_codes() -> Prefetch[str]:
    """Return how the definitions of codes are read along with them.

    In a statement of its own: joined, a freshly filled pool is read from end to end.
    """
    return Prefetch("definition", with_brakes())


def is_paused(definition: CouponDefinition, at: datetime) -> bool:
    """Whether a definition read ``with_brakes`` is paused at a moment, itself or by its campaign."""
    campaign = definition.campaign
    on = holding(definition.pulled or (), at)
    return on.pauses_coupon(definition.key, campaign.key if campaign else None)

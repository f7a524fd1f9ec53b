"""The loyalty programs of the demonstration: the starter program with each shop's categories and rewards."""

from __future__ import annotations

from datetime import datetime

from rewards.models import ProgramRevision, RewardKind
from rewards.services import starter
from rewards.services.starter import StarterReward
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

_GROCER_REWARDS = (
    StarterReward("five-dollars-off", "5 dollars off the next basket", 500),
    StarterReward("free-bakery-item", "A free bakery item", 250, RewardKind.PRODUCT, stock=2_000),
    StarterReward("food-bank-meal", "A meal for the food bank", 200, RewardKind.DONATION),
    StarterReward(
        "cooking-class", "An evening in the cooking school", 4_000, RewardKind.EXPERIENCE, stock=40
    ),
)
_SANDBOX_REWARDS = (
    StarterReward("free-shipping", "Free shipping on the next order", 40),
    StarterReward("tasting-box", "A tasting box", 150, RewardKind.PRODUCT, stock=300),
    StarterReward("gift-card", "A gift card of 10 euros", 200, RewardKind.GIFT_CARD),
)


def publish_grocer(tenant: Tenant, *, by: Actor, at: datetime) -> None:
    """One point per dollar, double on produce and on the deli counter.

    The history ended years ago: points that expire would all be gone.
    """
    with tenant_scope(tenant):
        if not ProgramRevision.objects.exists():
            starter.install_starter(
                by=by,
                at=at,
                category_percent={"PRODUCE": 200, "DELI": 200},
                rewards=_GROCER_REWARDS,
                expiry_months=None,
            )


def publish_sandbox(tenant: Tenant, *, by: Actor, at: datetime) -> None:
    """One point per euro, half as much again on gift sets; tiers a small shop's customers can reach."""
    with tenant_scope(tenant):
        if not ProgramRevision.objects.exists():
            starter.install_starter(
                by=by,
                at=at,
                category_percent={"gift sets": 150},
                rewards=_SANDBOX_REWARDS,
                tier_thresholds_minor=(0, 7_500, 20_000, 50_000),
                welcome_points=20,
            )

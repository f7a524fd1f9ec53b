"""A first program for a new tenant, so that points flow on the first day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from rewards.domain.documents.offered_rewards import write_reward
from rewards.domain.offers import OfferedReward
from rewards.domain.offers import RewardKind as OfferedKind
from rewards.models import ProgramRevision, RewardKind
from rewards.services import programs
from tenants.domain.actors import Actor

WALLET = "points"
_PERCENT_BY_TIER: Final = {"bronze": 100, "silver": 110, "gold": 125, "platinum": 150}
_THREE_ORDERS: Final = {
    "key": "three-orders",
    "name": "Three orders in 60 days",
    "goal": {"kind": "count", "match": {}, "target": 3},
    "window": {"kind": "rolling", "days": 60},
    "rewards": [{"kind": "points", "wallet": WALLET, "points": 100}],
}


@dataclass(frozen=True, slots=True)
class StarterReward:
    """One entry of the starter catalogue."""

    key: str
    name: str
    cost_points: int
    kind: RewardKind = RewardKind.COUPON
    stock: int | None = None
    description: str = ""

    def section(self) -> dict[str, Any]:
        """Write it as a program has it."""
        offered = OfferedReward(
            key=self.key,
            name=self.name,
            kind=OfferedKind(self.kind),
            wallet=WALLET,
            cost_points=self.cost_points,
            description=self.description,
            stock=self.stock,
        )
        return write_reward(offered)


def document(
    *,
    per_minor: int,
    category_percent: Mapping[str, int],
    tier_thresholds_minor: Sequence[int],
    expiry_months: int | None,
    welcome_points: int,
) -> dict[str, Any]:
    """Build the starter document: a base rule with category and tier multipliers, and a welcome bonus."""
    purchase = {
        "key": "purchase",
        "name": "Points for purchases",
        "wallet": WALLET,
        "priority": 10,
        "points": 1,
        "per_minor": per_minor,
        "category_percent": dict(category_percent),
        "tier_percent": dict(_PERCENT_BY_TIER),
    }
    welcome = {
        "key": "welcome",
        "name": "Welcome bonus on the first order",
        "wallet": WALLET,
        "priority": 20,
        "points": welcome_points,
        "conditions": [{"field": "customer.orders_before", "op": "at_most", "value": 0}],
    }
    wallet = {
        "key": WALLET,
        "name": "Points",
        "expiry_months": expiry_months,
        # One minor unit a point, until the tenant says what they cost.
        "thousand_points_minor": 1000,
    }
    return {
        "schema": 1,
        "wallets": [wallet],
        "tiers": [
            {"key": key, "name": key.title(), "threshold_minor": threshold}
            for key, threshold in zip(_PERCENT_BY_TIER, tier_thresholds_minor, strict=True)
        ],
        "rules": [purchase, welcome] if welcome_points else [purchase],
        "challenges": [_THREE_ORDERS],
    }


@transaction.atomic
def install_starter(
    *,
    by: Actor,
    at: datetime,
    category_percent: Mapping[str, int],
    rewards: Sequence[StarterReward],
    per_minor: int = 100,
    tier_thresholds_minor: Sequence[int] = (0, 50_000, 150_000, 400_000),
    expiry_months: int | None = 24,
    welcome_points: int = 100,
) -> ProgramRevision:
    """Publish the starter program, with what is in the catalogue.

    One point per ``per_minor`` of money; ``category_percent`` multiplies (200 doubles); thresholds are those
    of bronze, silver, gold and platinum. Raises ``InvalidInput`` when the numbers make no valid program.
    """
    written = document(
        per_minor=per_minor,
        category_percent=category_percent,
        tier_thresholds_minor=tier_thresholds_minor,
        expiry_months=expiry_months,
        welcome_points=welcome_points,
    )
    written["rewards"] = [reward.section() for reward in rewards]
    draft = programs.save_draft(document=written, note="Starter program", by=by, at=at)
    return programs.publish(revision=draft, by=by, at=at)

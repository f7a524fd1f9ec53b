"""What a preset is made of, and short ways to write its document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.documents.offered_coupons import write_coupon
from rewards.domain.documents.offered_rewards import write_reward
from rewards.domain.documents.policies import write_velocity
from rewards.domain.documents.referral import write_referral
from rewards.domain.offers import (
    OfferedCoupon,
    OfferedReward,
    ReferralQualification,
    ReferralTerms,
    RewardKind,
)
from rewards.domain.policies import USUAL_VELOCITY

WALLET: Final = "points"
BUDGET: Final = "monthly"


def gettext_noop(text: str) -> str:
    """Mark a name for the catalogue of translations: a tenant gets its preset in its own language."""
    return text


def _nothing() -> Mapping[str, tuple[Any, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PresetReward:
    """One entry of the catalogue; ``kind`` is one of the reward kinds.

    ``coupon`` is the key of the coupon it hands a code of, ``segments`` are the keys of those who see it.
    """

    key: str
    name: str
    cost_points: int
    kind: str
    stock: int | None = None
    coupon: str = ""
    segments: tuple[str, ...] = ()
    needs_shipping: bool = False

    def section(self) -> dict[str, Any]:
        """Write it as a program has it."""
        offered = OfferedReward(
            key=self.key,
            name=self.name,
            kind=RewardKind(self.kind),
            wallet=WALLET,
            cost_points=self.cost_points,
            coupon=self.coupon,
            segments=self.segments,
            needs_shipping=self.needs_shipping,
            stock=self.stock,
        )
        return write_reward(offered)


@dataclass(frozen=True, slots=True)
class PresetCoupon:
    """A coupon definition: percent off in hundredths, or an amount in whole units of the currency."""

    key: str
    name: str
    kind: str = "percent"
    percent: int = 0
    amount_units: int = 0
    minimum_units: int = 0
    valid_days: int | None = 60
    uses_per_code: int | None = 1

    def section(self, unit: int) -> dict[str, Any]:
        """Write it as a program has it, with ``unit`` minor units of money for each whole one."""
        terms = {
            "percent_hundredths": self.percent,
            "amount_minor": self.amount_units * unit,
            "minimum_spend_minor": self.minimum_units * unit,
            "valid_days": self.valid_days,
            "uses_per_code": self.uses_per_code,
        }
        return write_coupon(OfferedCoupon(self.key, self.name, self.kind, terms))


@dataclass(frozen=True, slots=True)
class PresetReferral:
    """What both sides get in points; an order of ``minimum_units`` counts, or else an ``event``."""

    referrer_points: int
    referee_points: int
    minimum_units: int = 0
    event: str = ""

    def section(self, unit: int) -> dict[str, Any]:
        """Write it as a program has it, with ``unit`` minor units of money for each whole one."""
        terms = ReferralTerms(
            wallet=WALLET,
            referrer_points=self.referrer_points,
            referee_points=self.referee_points,
            qualification=(ReferralQualification.EVENT if self.event else ReferralQualification.FIRST_ORDER),
            minimum_order_minor=self.minimum_units * unit,
            event_name=self.event,
        )
        return write_referral(terms)


@dataclass(frozen=True, slots=True)
class PresetSegment:
    """A segment by rule."""

    key: str
    name: str
    rule: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Habit:
    """Something members do: how often in a week by one of average zeal, with the values of each property.

    With ``within_days`` it is done once, so soon after joining, by the share ``per_week`` of all.
    """

    event: str
    per_week: float
    properties: Mapping[str, tuple[Any, ...]] = field(default_factory=_nothing)
    within_days: int = 0


@dataclass(frozen=True, slots=True)
class ShelfItem:
    sku: str
    name: str
    category: str
    price_units: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What 90 days look like: members, their habits and, where things are sold, their orders.

    Shares are of one: of members who enter challenges that ask for it, who look at the rewards on a day, who
    were brought by another; and of orders paid with a coupon where there is one.
    """

    members: int
    habits: tuple[Habit, ...]
    shelf: tuple[ShelfItem, ...] = ()
    orders_per_week: float = 0.0
    returned_share: float = 0.0
    entering_share: float = 0.6
    looking_share: float = 0.015
    brought_share: float = 0.0
    coupon_share: float = 0.6
    has_names: bool = True
    attributes: Mapping[str, tuple[Any, ...]] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Preset:
    """A starter program. ``document`` takes how many minor units the tenant's currency unit has."""

    key: str
    document: Callable[[int], dict[str, Any]]
    traffic: Traffic
    rewards: tuple[PresetReward, ...] = ()
    coupons: tuple[PresetCoupon, ...] = ()
    segments: tuple[PresetSegment, ...] = ()
    referral: PresetReferral | None = None

    def program(self, unit: int) -> dict[str, Any]:
        """Return the document with everything on offer, ``unit`` as ``document`` takes it."""
        whole = self.document(unit)
        policies = whole.setdefault("policies", {})
        policies["velocity_limits"] = write_velocity(USUAL_VELOCITY)
        whole["challenges"] = [{**each, "budget": BUDGET} for each in whole["challenges"]]
        whole["coupons"] = [coupon.section(unit) for coupon in self.coupons]
        whole["rewards"] = [reward.section() for reward in self.rewards]
        if self.referral is not None:
            whole["referral"] = self.referral.section(unit)
        return whole


def event_rule(
    key: str, name: str, event: str, points: int, *, per: str = "day", times: int, priority: int = 50
) -> dict[str, Any]:
    """Write a rule that pays for an event, at most so many times a period, out of the monthly budget."""
    return {
        "key": key,
        "name": name,
        "trigger": "event",
        "event": event,
        "priority": priority,
        "effects": [{"type": "points", "wallet": WALLET, "points": points}],
        "caps": [{"per": per, "times": times}],
        "budget": BUDGET,
    }


def pays(points: int) -> list[dict[str, Any]]:
    """Write the reward of a challenge."""
    return [{"kind": "points", "wallet": WALLET, "points": points}]


def streak(event: str, target: int, *, unit: str = "day", gap: int = 0) -> dict[str, Any]:
    return {"kind": "streak", "match": {"event": event}, "target": target, "unit": unit, "gap": gap}


def count(event: str, target: int) -> dict[str, Any]:
    return {"kind": "count", "match": {"event": event}, "target": target}


def wallet(
    name: str, *, thousand_points_minor: int | None, months: int | None = 24, pending_days: int = 0
) -> list[dict[str, Any]]:
    return [
        {
            "key": WALLET,
            "name": name,
            "expiry_months": months,
            "thousand_points_minor": thousand_points_minor,
            "pending": {"days": pending_days},
        }
    ]


def monthly_budget(points: int) -> list[dict[str, Any]]:
    name = gettext_noop("All rules and challenges, a month")
    return [{"key": BUDGET, "name": name, "period": "month", "points": points}]


def earned_points(tiers: list[tuple[str, str, int]]) -> dict[str, Any]:
    """Write a ladder by points earned in twelve months, held for a year and lost a step at a time."""
    return {
        "tiers": [
            {"key": key, "name": name, "threshold_minor": 0, "thresholds": {"earned": need} if need else {}}
            for key, name, need in tiers
        ],
        "qualification": {
            "criteria": [{"key": "earned", "metric": "points", "wallet": WALLET}],
            "window": "rolling_months",
            "length": 12,
            "validity": "months",
            "valid_months": 12,
            "grace_days": 30,
            "downgrade": "single_step",
        },
    }

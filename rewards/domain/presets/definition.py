"""What a preset is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.documents.coupon_campaigns import write_campaign
from rewards.domain.documents.offered_coupons import write_coupon
from rewards.domain.documents.offered_rewards import write_reward
from rewards.domain.documents.policies import write_velocity
from rewards.domain.documents.referral import write_referral
from rewards.domain.offers import (
    OfferedCampaign,
    OfferedCoupon,
    OfferedReward,
    ReferralQualification,
    ReferralTerms,
    RewardKind,
)
from rewards.domain.policies import USUAL_VELOCITY, Pace, VelocityLimit
from rewards.domain.presets.voices.definition import Voices

WALLET: Final = "points"
BUDGET: Final = "monthly"
# Stricter than usual: who wants more than two rewards a day, or brings many at once, waits for a review.
VELOCITY: Final = (
    *(each for each in USUAL_VELOCITY if each.kind not in {Pace.REDEMPTIONS, Pace.REFERRALS}),
    VelocityLimit(Pace.REDEMPTIONS, 2, 24),
    VelocityLimit(Pace.REFERRALS, 5, 7 * 24),
)


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
    categories: tuple[str, ...] = ()

    def section(self, unit: int) -> dict[str, Any]:
        """Write it as a program has it, with ``unit`` minor units of money for each whole one."""
        terms = {
            "percent_hundredths": self.percent,
            "amount_minor": self.amount_units * unit,
            "minimum_spend_minor": self.minimum_units * unit,
            "valid_days": self.valid_days,
            "uses_per_code": self.uses_per_code,
            "categories": list(self.categories),
        }
        return write_coupon(OfferedCoupon(self.key, self.name, self.kind, terms))


@dataclass(frozen=True, slots=True)
class PresetCampaign:
    """Coupons by their keys with one budget a month, in whole units of the currency."""

    key: str
    name: str
    coupons: tuple[str, ...]
    month_units: int

    def section(self, unit: int) -> dict[str, Any]:
        """Write it as a program has it, with ``unit`` minor units of money for each whole one."""
        limit = self.month_units * unit
        return write_campaign(
            OfferedCampaign(self.key, self.name, limit_discount_period_minor=limit, coupons=self.coupons)
        )


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
    were brought by another; and of orders paid with a coupon where there is one. ``goodwill`` are the points
    that staff give somebody they want to win back.
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
    goodwill: int = 25
    has_names: bool = True
    voices: Voices = field(default_factory=Voices)
    attributes: Mapping[str, tuple[Any, ...]] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Preset:
    """A starter program. ``document`` takes how many minor units the tenant's currency unit has."""

    key: str
    document: Callable[[int], dict[str, Any]]
    traffic: Traffic
    rewards: tuple[PresetReward, ...] = ()
    coupons: tuple[PresetCoupon, ...] = ()
    campaigns: tuple[PresetCampaign, ...] = ()
    segments: tuple[PresetSegment, ...] = ()
    referral: PresetReferral | None = None

    def program(self, unit: int) -> dict[str, Any]:
        """Return the document with everything on offer, ``unit`` as ``document`` takes it."""
        whole = self.document(unit)
        policies = whole.setdefault("policies", {})
        policies["velocity_limits"] = write_velocity(VELOCITY)
        whole["challenges"] = [{**each, "budget": BUDGET} for each in whole["challenges"]]
        whole["coupons"] = [coupon.section(unit) for coupon in self.coupons]
        if self.campaigns:
            whole["coupon_campaigns"] = [campaign.section(unit) for campaign in self.campaigns]
        whole["rewards"] = [reward.section() for reward in self.rewards]
        if self.referral is not None:
            whole["referral"] = self.referral.section(unit)
        return whole

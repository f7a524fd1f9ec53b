"""Earning rules as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from rewards.domain.budgets import Period
from rewards.domain.conditions import FactSource, Tree
from rewards.domain.expiry import Expiry

PERCENT: Final = 100


def _no_percents() -> Mapping[str, int]:
    return MappingProxyType({})


class Trigger(StrEnum):
    """The kinds of facts a rule can answer to; ``event`` is any event, by its name."""

    ORDER = "order"
    RETURN = "return"
    EVENT = "event"
    BIRTHDAY = "birthday"
    ANNIVERSARY = "anniversary"
    ENROLMENT = "enrolment"


class Rounding(StrEnum):
    """How a formula becomes whole points; ``nearest`` rounds halves up."""

    DOWN = "down"
    NEAREST = "nearest"
    UP = "up"


@dataclass(frozen=True, slots=True)
class GivePoints:
    """``points`` once, or for each amount of money, units or a property of the event.

    Money, units and lines are those the rule counts. Percents multiply: a category at 200 and a tier at 150
    give three times the points.
    """

    wallet: str
    points: int
    per_minor: int | None = None
    per_units: int | None = None
    per_property: str = ""
    per_amount: int = 1
    category_percent: Mapping[str, int] = field(default_factory=_no_percents)
    tier_percent: Mapping[str, int] = field(default_factory=_no_percents)


@dataclass(frozen=True, slots=True)
class MultiplyPoints:
    """Lift what other rules gave for the same event to ``percent`` of it: 200 gives as much again.

    ``rules`` names them; empty means all rules before this one that give points to the wallet and are no
    multipliers, so that two multipliers add up and do not compound.
    """

    wallet: str
    percent: int
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """``weight`` times a number of the event or its member; what is absent or no number counts zero."""

    source: FactSource
    name: str
    weight: Fraction


@dataclass(frozen=True, slots=True)
class FormulaPoints:
    """``w·x + b`` in exact arithmetic, rounded once, kept within bounds, never below zero."""

    wallet: str
    terms: tuple[Term, ...]
    constant: Fraction = Fraction(0)
    rounding: Rounding = Rounding.DOWN
    at_least: int = 0
    at_most: int | None = None


PointsEffect = GivePoints | MultiplyPoints | FormulaPoints


class GrantKind(StrEnum):
    """What else a rule can give."""

    COUPON = "coupon"
    REWARD = "reward"
    CHALLENGE = "challenge"
    TIER = "tier"
    TRAIT = "trait"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Grant:
    """Something other than points.

    A coupon of a definition, a reward of the catalogue, progress of a challenge (``amount``), a tier (for
    ``days``), a trait (its ``value``), or the trigger of a message.
    """

    kind: GrantKind
    key: str
    amount: int = 1
    days: int | None = None
    value: float | str | None = None


class CapPeriod(StrEnum):
    """What a cap counts over: one event, or a period of the tenant's calendar."""

    EVENT = "event"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    PROGRAM = "program"

    @property
    def period(self) -> Period | None:
        """The period of the calendar; ``None`` for one event."""
        return None if self is CapPeriod.EVENT else Period(self.value)


@dataclass(frozen=True, slots=True)
class Cap:
    """Most ``points``, or most ``times``, that a rule gives one member in a period."""

    per: CapPeriod
    points: int | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class EarningRule:
    """One way of earning: trigger, conditions and effects, with priority, caps, schedule and audience.

    Rules are asked by rising ``priority``. ``stops`` ends the list once the rule gives something; of a
    ``group`` only the first rule that does is counted. ``lines`` chooses the lines of the order that count.
    ``audience`` are segments, one of which the member must be in; ``ends_at`` is the first moment after.
    The rule's points end by its own ``expiry``, where it has one, instead of the wallet's.
    """

    key: str
    name: str
    trigger: Trigger = Trigger.ORDER
    event: str = ""
    priority: int = PERCENT
    stops: bool = False
    group: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    audience: frozenset[str] = frozenset()
    when: Tree | None = None
    lines: Tree | None = None
    points: PointsEffect | None = None
    grants: tuple[Grant, ...] = ()
    caps: tuple[Cap, ...] = ()
    budget: str = ""
    expiry: Expiry | None = None

    @property
    def wallet(self) -> str:
        """The wallet the rule's points go to, or empty."""
        return self.points.wallet if self.points else ""

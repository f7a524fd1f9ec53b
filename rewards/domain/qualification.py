"""What decides a tier: criteria over a window, validity, grace, and how a member falls.

The metric is never the spendable balance: points count when they are credited, and spending them takes
nothing away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from types import MappingProxyType
from typing import Final

from rewards.domain.expiry import MONTHS_A_YEAR, add_months, start_of_day
from rewards.domain.tiers import SPEND, Tier

_LARGEST_SCORE: Final = 10**15
EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_MONTHS_BY_CALENDAR: Final[Mapping[str, int]] = {"quarter": 3, "half_year": 6, "calendar_year": 12}


class Metric(StrEnum):
    """What a criterion measures in the window; a score is of now and knows no window."""

    SPEND = "spend"
    POINTS = "points"
    ORDERS = "orders"
    EVENTS = "events"
    SCORE = "score"


class Combination(StrEnum):
    ANY = "any"
    ALL = "all"


class QualificationWindow(StrEnum):
    ROLLING_DAYS = "rolling_days"
    ROLLING_MONTHS = "rolling_months"
    CALENDAR_YEAR = "calendar_year"
    HALF_YEAR = "half_year"
    QUARTER = "quarter"
    LIFETIME = "lifetime"

    @property
    def is_rolling(self) -> bool:
        return self in {QualificationWindow.ROLLING_DAYS, QualificationWindow.ROLLING_MONTHS}

    @property
    def is_calendar(self) -> bool:
        return self.value in _MONTHS_BY_CALENDAR


class Validity(StrEnum):
    """How long a tier is safe once it is reached.

    ``WHILE_QUALIFIED`` ends with the qualification itself; ``MONTHS`` counts from the day it was reached;
    ``NEXT_PERIOD`` lasts to the end of the calendar period after the one it was reached in.
    """

    WHILE_QUALIFIED = "while_qualified"
    MONTHS = "months"
    NEXT_PERIOD = "next_period"


class Downgrade(StrEnum):
    FULL = "full"
    SINGLE_STEP = "single_step"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One metric; ``name`` is the wallet of points or the name of events.

    A score is ``weights · x + bias`` over computed traits, rounded down; an absent trait is zero.
    """

    key: str
    metric: Metric
    name: str = ""
    weights: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    bias: Decimal = Decimal(0)

    def score(self, traits: Mapping[str, float | str]) -> int:
        """Return the score of a member's traits, exactly as the statement over all members has it."""
        exact = Fraction(self.bias)
        for name, weight in self.weights.items():
            value = traits.get(name)
            if isinstance(value, int | float):
                # The database reads fifteen digits of a float.
                exact += Fraction(weight) * Fraction(f"{value:.15g}")
        return max(min(floor(exact), _LARGEST_SCORE), 0)


PLAIN_CRITERION: Final = Criterion(SPEND, Metric.SPEND)


@dataclass(frozen=True, slots=True)
class Qualification:
    """The rules of the ladder; the default is spend in 365 days, moving at once both ways."""

    criteria: tuple[Criterion, ...] = (PLAIN_CRITERION,)
    combination: Combination = Combination.ANY
    window: QualificationWindow = QualificationWindow.ROLLING_DAYS
    length: int = 365
    validity: Validity = Validity.WHILE_QUALIFIED
    valid_months: int = 0
    grace_days: int = 0
    downgrade: Downgrade = Downgrade.FULL
    soft_landing_days: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether a tier is nothing but the spend of the last 365 days."""
        return self == Qualification()

    def window_start(self, at: datetime, zone: tzinfo) -> datetime:
        """Return the moment from which on things count, exclusive for rolling days, inclusive otherwise."""
        if self.window is QualificationWindow.ROLLING_DAYS:
            return at - timedelta(days=self.length)
        if self.window is QualificationWindow.LIFETIME:
            return EARLIEST
        day = at.astimezone(zone).date()
        if self.window is QualificationWindow.ROLLING_MONTHS:
            return start_of_day(add_months(day, -self.length), zone)
        return start_of_day(_first_of_period(day.year, day.month, self.window), zone)

    def valid_until(self, at: datetime, zone: tzinfo) -> datetime | None:
        """Return until when a tier reached at ``at`` is safe."""
        day = at.astimezone(zone).date()
        if self.validity is Validity.MONTHS:
            return start_of_day(add_months(day, self.valid_months) + timedelta(days=1), zone)
        if self.validity is Validity.NEXT_PERIOD:
            first = _first_of_period(day.year, day.month, self.window)
            return start_of_day(add_months(first, 2 * _MONTHS_BY_CALENDAR[self.window.value]), zone)
        return None

    def period(self, day: date) -> int:
        """Return the number of the calendar period around a local day; other windows have only one."""
        if not self.window.is_calendar:
            return 0
        return (day.year * MONTHS_A_YEAR + day.month - 1) // _MONTHS_BY_CALENDAR[self.window.value]

    def days_from(self, at: datetime, zone: tzinfo, days: int) -> datetime | None:
        """Return the end of the local day that is ``days`` away, or ``None`` for none."""
        if not days:
            return None
        return start_of_day(at.astimezone(zone).date() + timedelta(days=days + 1), zone)


def _first_of_period(year: int, month: int, window: QualificationWindow) -> date:
    months = _MONTHS_BY_CALENDAR[window.value]
    return date(year, (month - 1) // months * months + 1, 1)


def reached(tiers: Sequence[Tier], qualification: Qualification, values: Mapping[str, int]) -> int:
    """Return the place in the ladder of the highest tier whose needs are met, -1 for none."""
    for place in range(len(tiers) - 1, -1, -1):
        if is_met(tiers[place], qualification, values):
            return place
    return -1


def is_met(tier: Tier, qualification: Qualification, values: Mapping[str, int]) -> bool:
    """Whether the values meet the tier's needs; a tier that needs nothing is everybody's."""
    tests = [values.get(key, 0) >= need for key, need in tier.needs.items()]
    if not tests:
        return True
    return any(tests) if qualification.combination is Combination.ANY else all(tests)


@dataclass(frozen=True, slots=True)
class Projection:
    """The tier the values reach now, the one above the tier held, and what is missing to it by criterion."""

    reached: Tier | None
    next_tier: Tier | None
    missing_by_criterion: Mapping[str, int]


def project(
    tiers: Sequence[Tier], qualification: Qualification, values: Mapping[str, int], held: str | None
) -> Projection:
    """Return what the values are worth now, and what the step above the held tier needs."""
    place = reached(tiers, qualification, values)
    held_place = next((index for index, tier in enumerate(tiers) if tier.key == held), -1)
    above = max(place, held_place) + 1
    next_tier = tiers[above] if above < len(tiers) else None
    missing = {
        key: max(need - values.get(key, 0), 0) for key, need in (next_tier.needs.items() if next_tier else ())
    }
    return Projection(tiers[place] if place >= 0 else None, next_tier, missing)


# The place of a tier that the ladder does not have any more.
DROPPED: Final = -2


class Move(StrEnum):
    """What happens to a membership.

    ``ENTERED`` leads from no tier into one; ``REMAPPED`` is no merit: the ladder has dropped the tier.
    """

    KEPT = "kept"
    ENTERED = "entered"
    UPGRADED = "upgraded"
    RENEWED = "renewed"
    GRACE = "grace"
    DOWNGRADED = "downgraded"
    REMAPPED = "remapped"


@dataclass(frozen=True, slots=True)
class Holding:
    """A tier held: its place in the ladder (-1: none, or ``DROPPED``) and the moments that protect it."""

    place: int = -1
    valid_until: datetime | None = None
    grace_until: datetime | None = None
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a holding."""

    move: Move
    holding: Holding


def decide(before: Holding, place: int, qualification: Qualification, at: datetime, zone: tzinfo) -> Decision:
    """Move a holding to where ``place`` (what is qualified for now) and its protection allow.

    The statement in `rewards.services.tiers` does the same for all members at once and is tested against it.
    """
    locked_until = before.locked_until
    if locked_until is not None and locked_until > at:
        return Decision(Move.KEPT, before)
    safe = Holding(place, qualification.valid_until(at, zone), None, locked_until)
    if before.place == DROPPED:
        return Decision(Move.REMAPPED, safe if place >= 0 else Holding(locked_until=locked_until))
    if place > before.place:
        return Decision(Move.ENTERED if before.place < 0 else Move.UPGRADED, safe)
    if place == before.place:
        if place >= 0 and before.valid_until is not None and before.valid_until <= at:
            return Decision(Move.RENEWED, safe)
        return Decision(Move.KEPT, Holding(place, before.valid_until, None, locked_until))
    return _fall(before, place, qualification, at, zone)


def _fall(before: Holding, place: int, qualification: Qualification, at: datetime, zone: tzinfo) -> Decision:
    is_valid = before.valid_until is not None and before.valid_until > at
    is_in_grace = before.grace_until is not None and before.grace_until > at
    if qualification.downgrade is Downgrade.NONE or is_valid or is_in_grace:
        return Decision(Move.KEPT, before)
    if before.grace_until is None and qualification.grace_days:
        grace_until = qualification.days_from(at, zone, qualification.grace_days)
        return Decision(
            Move.GRACE, Holding(before.place, before.valid_until, grace_until, before.locked_until)
        )
    is_single = qualification.downgrade is Downgrade.SINGLE_STEP
    landing = max(place, before.place - 1) if is_single else place
    valid_until = (
        qualification.valid_until(at, zone)
        if landing == place
        else qualification.days_from(at, zone, qualification.soft_landing_days)
    )
    return Decision(Move.DOWNGRADED, Holding(landing, valid_until, None, before.locked_until))

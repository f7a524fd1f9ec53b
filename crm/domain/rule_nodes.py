"""The nodes of a rule tree and what their leaves speak of; how they are read is in `rules`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

Scalar = str | int | float | bool
BUCKETS_PER_PERCENT = 100


class Source(StrEnum):
    """Where a condition's value comes from; ``property`` stands only inside the conditions of an event."""

    ATTRIBUTE = "attribute"
    TRAIT = "trait"
    ORDERS = "orders"
    PERSON = "person"
    CUSTOMER = "customer"
    LOYALTY = "loyalty"
    CONSENT = "consent"
    PROPERTY = "property"


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    CONTAINS = "contains"
    EXISTS = "exists"
    MISSING = "missing"


class OrderMeasure(StrEnum):
    """The totals kept per customer; the days are whole days before the moment of evaluation."""

    COUNT = "count"
    REVENUE_MINOR = "revenue_minor"
    RETURNED_MINOR = "returned_minor"
    DAYS_SINCE_FIRST = "days_since_first"
    DAYS_SINCE_LAST = "days_since_last"


class PersonField(StrEnum):
    """The personal fields a rule may use. Birthdays are of the tenant's own calendar day."""

    CITY = "city"
    COUNTRY = "country"
    POSTCODE = "postcode"
    LOCALE = "locale"
    AGE_YEARS = "age_years"
    BIRTH_MONTH = "birth_month"
    DAYS_TO_BIRTHDAY = "days_to_birthday"


BIRTH_FIELDS = frozenset({PersonField.AGE_YEARS, PersonField.BIRTH_MONTH, PersonField.DAYS_TO_BIRTHDAY})


class CustomerField(StrEnum):
    """Moments of the customer's own row, as whole days before the moment of evaluation."""

    DAYS_SINCE_CREATED = "days_since_created"
    DAYS_SINCE_FIRST_SEEN = "days_since_first_seen"
    DAYS_SINCE_LAST_SEEN = "days_since_last_seen"
    DAYS_SINCE_JOINED = "days_since_joined"


class PurchaseMeasure(StrEnum):
    """What is counted over the orders of a window; before returns."""

    ORDERS = "orders"
    UNITS = "units"
    SPENT_MINOR = "spent_minor"


class PurchaseOf(StrEnum):
    """Which lines count: those of one item, category or brand."""

    ITEM = "item"
    CATEGORY = "category"
    BRAND = "brand"


@dataclass(frozen=True, slots=True)
class Window:
    """The last ``days`` local days with today, or local days from ``first`` to ``last``; open if empty."""

    days: int | None = None
    first: date | None = None
    last: date | None = None

    def bounds(self, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the moments from which and before which something counts; nothing after ``at`` does."""
        since, before = datetime(1, 1, 2, tzinfo=UTC), at + timedelta(microseconds=1)
        if self.days is not None:
            first_day = at.astimezone(zone).date() - timedelta(days=self.days - 1)
            since = _midnight(first_day, zone)
        if self.first is not None:
            since = _midnight(self.first, zone)
        if self.last is not None:
            before = min(before, _midnight(self.last + timedelta(days=1), zone))
        return since, before

    @property
    def moves(self) -> bool:
        """Tell whether time alone changes what lies inside."""
        return self.days is not None


ALWAYS = Window()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; ``value`` is a tuple for ``in`` and None where the operator takes none."""

    source: Source
    name: str
    op: Op
    value: Scalar | tuple[Scalar, ...] | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """How often or how much: at least, at most, or both."""

    at_least: int | None = None
    at_most: int | None = None

    def holds(self, number: int) -> bool:
        return (self.at_least is None or number >= self.at_least) and (
            self.at_most is None or number <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class EventPattern:
    """Events of one name whose properties fulfil every condition of ``where``."""

    event: str
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class EventCount:
    """Did it so many times in the window; at most 0 means has not done it."""

    pattern: EventPattern
    times: Times
    window: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class EventSequence:
    """Did ``first`` in the window, and ``then`` later, within so many days of 24 hours."""

    first: EventPattern
    then: EventPattern
    within_days: int
    window: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class Purchases:
    """Orders, units or money of the window, of everything or of one item, category or brand."""

    measure: PurchaseMeasure
    times: Times
    of: PurchaseOf | None = None
    name: str = ""
    window: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class InSegment:
    """Is a member of the segment with this key."""

    key: str


@dataclass(frozen=True, slots=True)
class RandomBucket:
    """A stable share of the customers: those whose hash lies from ``low`` to below ``high`` percent."""

    seed: str
    low: float
    high: float

    @property
    def bounds(self) -> tuple[int, int]:
        return round(self.low * BUCKETS_PER_PERCENT), round(self.high * BUCKETS_PER_PERCENT)


@dataclass(frozen=True, slots=True)
class AllOf:
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    rule: Rule


Leaf = Condition | EventCount | EventSequence | Purchases | InSegment | RandomBucket
Rule = Leaf | AllOf | AnyOf | Not


def leaves(rule: Rule) -> Iterator[Leaf]:
    """Yield the leaves from left to right."""
    if isinstance(rule, AllOf | AnyOf):
        for each in rule.rules:
            yield from leaves(each)
    elif isinstance(rule, Not):
        yield from leaves(rule.rule)
    else:
        yield rule


def segment_keys(rule: Rule) -> frozenset[str]:
    """Return the keys of the segments the rule refers to."""
    return frozenset(leaf.key for leaf in leaves(rule) if isinstance(leaf, InSegment))


_CLOCK_NAMES = frozenset(
    {OrderMeasure.DAYS_SINCE_FIRST, OrderMeasure.DAYS_SINCE_LAST, *BIRTH_FIELDS, *CustomerField}
)


def depends_on_time(rule: Rule) -> bool:
    """Tell whether customers come and go by the clock alone, without anything happening to them."""
    return any(_is_moved_by_time(leaf) for leaf in leaves(rule))


def _is_moved_by_time(leaf: Leaf) -> bool:
    if isinstance(leaf, EventCount | EventSequence | Purchases):
        return leaf.window.moves
    if isinstance(leaf, Condition) and leaf.source in {Source.ORDERS, Source.PERSON, Source.CUSTOMER}:
        return leaf.name in _CLOCK_NAMES
    # Days since something, kept as a trait, also grow old by themselves.
    return isinstance(leaf, Condition) and leaf.source is Source.TRAIT and leaf.name.startswith("days_since_")

"""The rule tree of a segment, read for one customer; `crm.queries.segment_sql` reads it for all of them.

What is absent fails every condition but ``missing``; text is compared by code point and only with text,
numbers only with numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import md5
from typing import Any
from zoneinfo import ZoneInfo

from crm.domain.rule_nodes import (
    BUCKETS_PER_PERCENT,
    AllOf,
    AnyOf,
    Condition,
    CustomerField,
    EventCount,
    EventPattern,
    EventSequence,
    InSegment,
    Leaf,
    Not,
    Op,
    OrderMeasure,
    PersonField,
    PurchaseMeasure,
    PurchaseOf,
    Purchases,
    RandomBucket,
    Rule,
    Scalar,
    Source,
    Times,
    Window,
    depends_on_time,
    leaves,
    segment_keys,
)
from crm.domain.rule_parsing import RuleError, parse

__all__ = [
    "AllOf", "AnyOf", "Condition", "CustomerFacts", "CustomerField", "EventCount", "EventFact",
    "EventPattern", "EventSequence", "InSegment", "Leaf", "LineFact", "Not", "Op", "OrderFact",
    "OrderMeasure", "PersonField", "PurchaseMeasure", "PurchaseOf", "Purchases", "RandomBucket", "Rule",
    "RuleError", "Scalar", "Source", "Times", "Window", "bucket_of", "compare", "depends_on_time",
    "leaves", "matches", "parse", "segment_keys",
]  # fmt: skip

_UTC = ZoneInfo("UTC")
_ORDERED = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
_FEBRUARY, _LEAP_DAY = 2, 29


@dataclass(frozen=True, slots=True)
class EventFact:
    """One event of the customer."""

    name: str
    occurred_at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineFact:
    """One product line of an order."""

    sku: str
    quantity: int
    total_minor: int
    category: str = ""
    brand: str = ""


@dataclass(frozen=True, slots=True)
class OrderFact:
    """One order with its product lines; the total also holds what is no product."""

    placed_at: datetime
    total_minor: int
    lines: Sequence[LineFact] = ()


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What the rules of one customer are evaluated on; a caller may leave out what its rule does not read."""

    attributes: Mapping[str, Any]
    traits: Mapping[str, float | str]
    orders_count: int = 0
    revenue_minor: int = 0
    returned_minor: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    public_id: str = ""
    person: Mapping[str, str] = field(default_factory=dict)
    birth_on: date | None = None
    moments: Mapping[str, datetime | None] = field(default_factory=dict)
    extras: Mapping[Source, Mapping[str, Scalar]] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    events: Sequence[EventFact] = ()
    orders: Sequence[OrderFact] = ()

    def value(self, condition: Condition, at: datetime, zone: ZoneInfo = _UTC) -> Any:
        """Return what the condition compares, or None for what is absent."""
        if condition.source is Source.ATTRIBUTE:
            return self.attributes.get(condition.name)
        if condition.source is Source.TRAIT:
            return self.traits.get(condition.name)
        if condition.source is Source.ORDERS:
            return self._orders_total(OrderMeasure(condition.name), at)
        if condition.source is Source.PERSON:
            return self._personal(PersonField(condition.name), at.astimezone(zone).date())
        if condition.source is Source.CUSTOMER:
            return _days(self.moments.get(condition.name), at)
        return self.extras.get(condition.source, {}).get(condition.name)

    def _orders_total(self, measure: OrderMeasure, at: datetime) -> int | None:
        return {
            OrderMeasure.COUNT: self.orders_count,
            OrderMeasure.REVENUE_MINOR: self.revenue_minor,
            OrderMeasure.RETURNED_MINOR: self.returned_minor,
            OrderMeasure.DAYS_SINCE_FIRST: _days(self.first_order_at, at),
            OrderMeasure.DAYS_SINCE_LAST: _days(self.last_order_at, at),
        }[measure]

    def _personal(self, name: PersonField, today: date) -> str | int | None:
        if name is PersonField.BIRTH_MONTH:
            return self.birth_on.month if self.birth_on else None
        if name is PersonField.AGE_YEARS:
            return _age(self.birth_on, today) if self.birth_on else None
        if name is PersonField.DAYS_TO_BIRTHDAY:
            return _days_to_birthday(self.birth_on, today) if self.birth_on else None
        return self.person.get(name) or None


def _days(since: datetime | None, at: datetime) -> int | None:
    return None if since is None else (at - since) // timedelta(days=1)


def _birthday(birth_on: date, year: int) -> date:
    """Return the birthday of a year; who was born on a leap day celebrates on 28 February."""
    is_leap_day = (birth_on.month, birth_on.day) == (_FEBRUARY, _LEAP_DAY)
    try:
        return birth_on.replace(year=year)
    except ValueError:
        if not is_leap_day:
            raise
        return date(year, _FEBRUARY, _LEAP_DAY - 1)


def _age(birth_on: date, today: date) -> int:
    return today.year - birth_on.year - int(_birthday(birth_on, today.year) > today)


def _days_to_birthday(birth_on: date, today: date) -> int:
    this_year = _birthday(birth_on, today.year)
    following = this_year if this_year >= today else _birthday(birth_on, today.year + 1)
    return (following - today).days


def bucket_of(seed: str, public_id: str) -> int:
    """Return the customer's place among ten thousand, the same for ever for one seed."""
    digest = md5(f"{seed}:{public_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % (100 * BUCKETS_PER_PERCENT)


def matches(rule: Rule, facts: CustomerFacts, at: datetime, zone: ZoneInfo = _UTC) -> bool:
    """Whether the customer fulfils the rule at the moment ``at``; days are those of ``zone``."""
    if isinstance(rule, AllOf):
        return all(matches(each, facts, at, zone) for each in rule.rules)
    if isinstance(rule, AnyOf):
        return any(matches(each, facts, at, zone) for each in rule.rules)
    if isinstance(rule, Not):
        return not matches(rule.rule, facts, at, zone)
    return _leaf_holds(rule, facts, at, zone)


def _leaf_holds(leaf: Leaf, facts: CustomerFacts, at: datetime, zone: ZoneInfo) -> bool:
    if isinstance(leaf, InSegment):
        return leaf.key in facts.segments
    if isinstance(leaf, RandomBucket):
        low, high = leaf.bounds
        return low <= bucket_of(leaf.seed, facts.public_id) < high
    if isinstance(leaf, EventCount):
        since, before = leaf.window.bounds(at, zone)
        return leaf.times.holds(len(_moments(leaf.pattern, facts.events, since, before)))
    if isinstance(leaf, EventSequence):
        return _follows(leaf, facts.events, at, zone)
    if isinstance(leaf, Purchases):
        return leaf.times.holds(purchased(leaf, facts.orders, at, zone))
    return compare(leaf, facts.value(leaf, at, zone))


def _moments(
    pattern: EventPattern, events: Iterable[EventFact], since: datetime, before: datetime
) -> list[datetime]:
    return [
        event.occurred_at
        for event in events
        if event.name == pattern.event
        and since <= event.occurred_at < before
        and all(compare(each, event.properties.get(each.name)) for each in pattern.where)
    ]


def _follows(leaf: EventSequence, events: Sequence[EventFact], at: datetime, zone: ZoneInfo) -> bool:
    since, before = leaf.window.bounds(at, zone)
    starts = _moments(leaf.first, events, since, before)
    ends = _moments(leaf.then, events, since, at + timedelta(microseconds=1))
    longest = timedelta(days=leaf.within_days)
    return any(timedelta() < end - start <= longest for start in starts for end in ends)


def purchased(leaf: Purchases, orders: Iterable[OrderFact], at: datetime, zone: ZoneInfo) -> int:
    """Return the number of orders, units or minor units of money that the leaf compares."""
    since, before = leaf.window.bounds(at, zone)
    total = 0
    for order in orders:
        lines = [line for line in order.lines if leaf.of is None or _is_of(line, leaf)]
        if not since <= order.placed_at < before or (leaf.of is not None and not lines):
            continue
        if leaf.measure is PurchaseMeasure.ORDERS:
            total += 1
        elif leaf.measure is PurchaseMeasure.UNITS:
            total += sum(line.quantity for line in lines)
        elif leaf.of is None:
            total += order.total_minor
        else:
            total += sum(line.total_minor for line in lines)
    return total


def _is_of(line: LineFact, leaf: Purchases) -> bool:
    named = {PurchaseOf.ITEM: line.sku, PurchaseOf.CATEGORY: line.category, PurchaseOf.BRAND: line.brand}
    return leaf.of is not None and named[leaf.of] == leaf.name


def compare(condition: Condition, actual: Any) -> bool:
    """Whether a value fulfils the condition; None is an absent value."""
    if actual is None or condition.op is Op.MISSING:
        return actual is None and condition.op is Op.MISSING
    if condition.op is Op.EXISTS:
        return True
    if condition.op is Op.IN:
        return isinstance(condition.value, tuple) and any(_equal(actual, each) for each in condition.value)
    if condition.op is Op.CONTAINS:
        return isinstance(actual, str) and str(condition.value) in actual
    if condition.op in _ORDERED:
        return _ordered(condition.op, actual, condition.value)
    return _equal(actual, condition.value) is (condition.op is Op.EQ)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _equal(actual: Any, value: Any) -> bool:
    return _kind(actual) == _kind(value) and bool(actual == value)


def _ordered(op: Op, actual: Any, value: Any) -> bool:
    if _kind(actual) != _kind(value) or _kind(actual) not in {"number", "text"}:
        return False
    return bool(
        {
            Op.GT: actual > value,
            Op.GTE: actual >= value,
            Op.LT: actual < value,
            Op.LTE: actual <= value,
        }[op]
    )

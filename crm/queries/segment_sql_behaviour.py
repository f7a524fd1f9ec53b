"""Behaviour in SQL: one grouped relation of customers a leaf, read once, whatever the tree does with it.

Restricted to some customers, a relation reads their events and orders by index; for everybody it reads the
window's partitions once. `n` is what is counted, and customers without any are absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crm.domain.rules import EventCount, EventPattern, EventSequence, PurchaseMeasure, PurchaseOf, Purchases
from crm.queries.segment_sql_values import Fragment, json_test

# The start of a time that no event comes before: an open window needs no comparison.
_OLDEST_YEAR = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """For whom and when a rule is read; ``only`` restricts it to some customers."""

    tenant_id: int
    at: datetime
    zone: ZoneInfo
    only: tuple[int, ...] | None = None

    def restriction(self, column: str) -> Fragment:
        if self.only is None:
            return "", []
        return f" AND {column} = ANY(%s::bigint[])", [list(self.only)]

    def within(self, column: str, since: datetime, before: datetime) -> Fragment:
        if since.year == _OLDEST_YEAR:
            return f" AND {column} < %s", [before]
        return f" AND {column} >= %s AND {column} < %s", [since, before]


def event_count(leaf: EventCount, reading: Reading) -> Fragment:
    """Return the relation of customers and how many such events they have in the window."""
    window, window_params = reading.within("e.occurred_at", *leaf.window.bounds(reading.at, reading.zone))
    test, test_params = _pattern(leaf.pattern)
    only, only_params = reading.restriction("e.customer_id")
    sql = (
        f"SELECT e.customer_id, count(*) AS n FROM crm_event e WHERE e.tenant_id = %s{window}{only}"  # noqa: S608 - compiled with parameters
        f" AND {test} GROUP BY e.customer_id"
    )
    return sql, [reading.tenant_id, *window_params, *only_params, *test_params]


def _pattern(pattern: EventPattern) -> Fragment:
    tests: list[Fragment] = [("e.name = %s", [pattern.event])]
    tests += [json_test(each, "e.properties") for each in pattern.where]
    return " AND ".join(sql for sql, _ in tests), [each for _, params in tests for each in params]


def event_sequence(leaf: EventSequence, reading: Reading) -> Fragment:
    """Return the customers who did one and then the other: the latest start before each end decides."""
    since, before = leaf.window.bounds(reading.at, reading.zone)
    window, window_params = reading.within("e.occurred_at", since, reading.at + timedelta(microseconds=1))
    starts, starts_params = _pattern(leaf.first)
    ends, ends_params = _pattern(leaf.then)
    only, only_params = reading.restriction("e.customer_id")
    sql = (
        "SELECT customer_id, 1 AS n FROM ("  # noqa: S608 - compiled with parameters
        "SELECT customer_id, occurred_at, is_end, max(occurred_at) FILTER (WHERE is_start) OVER (PARTITION BY"
        " customer_id ORDER BY occurred_at GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS started_at"
        f" FROM (SELECT e.customer_id, e.occurred_at, coalesce({ends}, false) AS is_end,"
        f" coalesce({starts} AND e.occurred_at < %s, false) AS is_start FROM crm_event e"
        f" WHERE e.tenant_id = %s{window}{only} AND e.name IN (%s, %s)) marked) paired"
        " WHERE is_end AND occurred_at - started_at <= %s GROUP BY customer_id"
    )
    return sql, [
        *ends_params,
        *starts_params,
        before,
        reading.tenant_id,
        *window_params,
        *only_params,
        leaf.first.event,
        leaf.then.event,
        timedelta(days=leaf.within_days),
    ]


_OF_ALL = {PurchaseMeasure.ORDERS: "count(*)", PurchaseMeasure.SPENT_MINOR: "sum(o.total_minor)::bigint"}
_OF_LINES = {
    PurchaseMeasure.ORDERS: "count(DISTINCT o.id)",
    PurchaseMeasure.UNITS: "sum(l.quantity)",
    PurchaseMeasure.SPENT_MINOR: "sum(l.total_minor)::bigint",
}
_LINES = " JOIN crm_orderline l ON l.tenant_id = o.tenant_id AND l.order_id = o.id AND l.kind = 'product'"
_ITEMS = " JOIN crm_item i ON i.tenant_id = l.tenant_id AND i.id = l.item_id"


def purchases(leaf: Purchases, reading: Reading) -> Fragment:
    """Return the relation of customers and what they bought or spent in the window."""
    window, window_params = reading.within("o.placed_at", *leaf.window.bounds(reading.at, reading.zone))
    only, only_params = reading.restriction("o.customer_id")
    measure, joins, test = _measured(leaf)
    params: list[Any] = [reading.tenant_id, *window_params, *only_params]
    sql = (
        f"SELECT o.customer_id, {measure} AS n FROM crm_order o{joins} WHERE o.tenant_id = %s"  # noqa: S608 - compiled with parameters
        f" AND o.customer_id IS NOT NULL{window}{only}{test} GROUP BY o.customer_id"
    )
    return sql, [*params, leaf.name] if test else params


def _measured(leaf: Purchases) -> tuple[str, str, str]:
    if leaf.of is None and leaf.measure in _OF_ALL:
        return _OF_ALL[leaf.measure], "", ""
    measure = _OF_LINES[leaf.measure]
    if leaf.of is None:
        return measure, _LINES, ""
    if leaf.of is PurchaseOf.ITEM:
        return measure, _LINES, " AND l.sku = %s"
    column = {PurchaseOf.CATEGORY: "i.category", PurchaseOf.BRAND: "i.brand"}[leaf.of]
    return measure, _LINES + _ITEMS, f" AND {column} = %s"

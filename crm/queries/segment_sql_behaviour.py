"""Behaviour in SQL: one grouped relation of customers a leaf, read once, whatever the tree does with it.

For everybody a relation reads the window's partitions once; restricted to some customers it stands beside
each of them and reads theirs by index, because the planner, left the choice, takes a thousand ids for a
reason to read whole partitions. `n` is what is counted, and customers without any are absent.
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

    def rows_of(self, table: str, test: str, params: list[Any]) -> Fragment:
        """Return what stands after FROM: the tenant's rows of ``table`` as ``e`` that pass the test.

        Restricted to some customers, they are those of the row ``c`` beside which the relation stands.
        """
        one = "" if self.only is None else " AND e.customer_id = c.id"
        return f"{table} e WHERE e.tenant_id = %s{one}{test}", [self.tenant_id, *params]

    def within(self, column: str, since: datetime, before: datetime) -> Fragment:
        if since.year == _OLDEST_YEAR:
            return f" AND {column} < %s", [before]
        return f" AND {column} >= %s AND {column} < %s", [since, before]


def event_count(leaf: EventCount, reading: Reading) -> Fragment:
    """Return the relation of customers and how many such events they have in the window."""
    window, window_params = reading.within("e.occurred_at", *leaf.window.bounds(reading.at, reading.zone))
    test, test_params = _pattern(leaf.pattern)
    rows, params = reading.rows_of("crm_event", f"{window} AND {test}", [*window_params, *test_params])
    return f"SELECT e.customer_id, count(*) AS n FROM {rows} GROUP BY e.customer_id", params  # noqa: S608 - compiled with parameters


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
    rows, params = reading.rows_of(
        "crm_event",
        f"{window} AND e.name IN (%s, %s)",
        [*window_params, leaf.first.event, leaf.then.event],
    )
    sql = (
        "SELECT customer_id, 1 AS n FROM ("  # noqa: S608 - compiled with parameters
        "SELECT customer_id, occurred_at, is_end, max(occurred_at) FILTER (WHERE is_start) OVER (PARTITION BY"
        " customer_id ORDER BY occurred_at GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS started_at"
        f" FROM (SELECT e.customer_id, e.occurred_at, coalesce({ends}, false) AS is_end,"
        f" coalesce({starts} AND e.occurred_at < %s, false) AS is_start FROM {rows}) marked) paired"
        " WHERE is_end AND occurred_at - started_at <= %s GROUP BY customer_id"
    )
    return sql, [*ends_params, *starts_params, before, *params, timedelta(days=leaf.within_days)]


_OF_ALL = {PurchaseMeasure.ORDERS: "count(*)", PurchaseMeasure.SPENT_MINOR: "sum(e.total_minor)::bigint"}
_OF_LINES = {
    PurchaseMeasure.ORDERS: "count(DISTINCT e.id)",
    PurchaseMeasure.UNITS: "sum(l.quantity)",
    PurchaseMeasure.SPENT_MINOR: "sum(l.total_minor)::bigint",
}
_LINES = " JOIN crm_orderline l ON l.tenant_id = e.tenant_id AND l.order_id = e.id AND l.kind = 'product'"
_ITEMS = " JOIN crm_item i ON i.tenant_id = l.tenant_id AND i.id = l.item_id"


def purchases(leaf: Purchases, reading: Reading) -> Fragment:
    """Return the relation of customers and what they bought or spent in the window."""
    window, params = reading.within("e.placed_at", *leaf.window.bounds(reading.at, reading.zone))
    rows, params = reading.rows_of("crm_order", f"{window} AND e.customer_id IS NOT NULL", params)
    measure, joins, test = _measured(leaf)
    table, _where, tests = rows.partition(" WHERE ")
    sql = (
        f"SELECT e.customer_id, {measure} AS n FROM {table}{joins} WHERE {tests}{test}"  # noqa: S608 - compiled with parameters
        " GROUP BY e.customer_id"
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

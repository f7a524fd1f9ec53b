"""Funnels: how many customers do the steps one after the other within some days of the first.

For every event the latest start of a chain that leads to it decides, so any run through the steps counts, not
only the one that begins with the first start. A step is strictly later than the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from crm.domain.hidden_values import NOTHING, pattern_hiding
from crm.domain.rules import EventPattern, Window
from crm.queries import sensitive
from crm.queries.segment_sql_values import json_test
from tenants.scope import active_tenant_id

FEWEST_STEPS, MOST_STEPS = 2, 6
MOST_GROUPS = 10


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """Customers who got this far; the median seconds are those since the step before."""

    event: str
    customers: int
    share_of_first: float
    share_of_previous: float
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class FunnelGroup:
    """The funnel of everybody (None) or of those with one value of the breakdown."""

    value: str | None
    steps: tuple[FunnelStep, ...]


def funnel(
    steps: Sequence[EventPattern],
    *,
    within_days: int,
    first_on: date,
    last_on: date,
    at: datetime,
    zone: ZoneInfo,
    attribute: str = "",
    segment: str = "",
) -> list[FunnelGroup]:
    """Return the funnel of those who began from ``first_on`` to ``last_on``, the tenant's own days.

    Later steps may follow for ``within_days`` times 24 hours after the first. ``attribute`` breaks it down by
    the text of a customer attribute, ``segment`` by membership (yes or no); the ten largest groups are told.
    Sensitive values count as missing.
    """
    hidden = sensitive.hidden()
    steps = [pattern_hiding(each, hidden) for each in steps]
    attribute = NOTHING if attribute in hidden.attributes else attribute
    since, before = Window(first=first_on, last=last_on).bounds(at, zone)
    within = timedelta(days=within_days)
    chain, params = _chained(steps, within, before)
    value, value_params = _broken_down(attribute, segment)
    reached = ", ".join(f"bool_or(s{n} IS NOT NULL) AS r{n}" for n in range(1, len(steps) + 1))
    gaps = ", ".join(
        f"(array_agg(g{n} ORDER BY occurred_at) FILTER (WHERE s{n} IS NOT NULL))[1] AS g{n}"
        for n in range(2, len(steps) + 1)
    )
    counts = ", ".join(f"count(*) FILTER (WHERE r{n})" for n in range(1, len(steps) + 1))
    medians = ", ".join(
        f"percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM g{n}))"
        for n in range(2, len(steps) + 1)
    )
    statement = (
        f"SELECT {value} AS value, {counts}, {medians} FROM"  # noqa: S608 - compiled with parameters
        f" (SELECT customer_id, {reached}, {gaps} FROM ({chain}) chained GROUP BY customer_id) f"
        " JOIN crm_customer c ON c.tenant_id = %s AND c.id = f.customer_id"
        " WHERE c.state IN ('active', 'suspended') AND r1 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"
    )
    tenant_id = active_tenant_id()
    wanted: list[Any] = [tenant_id, since, min(before + within, at + timedelta(microseconds=1))]
    names: list[Any] = [sorted({each.event for each in steps})]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
        cursor.execute(statement, [*value_params, *params, *wanted, *names, tenant_id, MOST_GROUPS])
        rows = cursor.fetchall()
    return [_group(steps, row) for row in rows]


def _broken_down(attribute: str, segment: str) -> tuple[str, list[Any]]:
    if attribute:
        return "(c.attributes ->> %s)", [attribute]
    if segment:
        return (
            "(EXISTS (SELECT FROM crm_segmentmember m JOIN crm_segment g ON g.tenant_id = m.tenant_id"
            " AND g.id = m.segment_id WHERE m.tenant_id = c.tenant_id AND m.customer_id = c.id"
            " AND g.key = %s))::text"
        ), [segment]
    return "NULL::text", []


def _chained(steps: Sequence[EventPattern], within: timedelta, before: datetime) -> tuple[str, list[Any]]:
    """Return each event with the latest start that leads to it as each step."""
    tests: list[str] = []
    params: list[Any] = []
    for number, step in enumerate(steps, start=1):
        parts = [("e.name = %s", [step.event]), *(json_test(each, "e.properties") for each in step.where)]
        tests.append(f"coalesce({' AND '.join(sql for sql, _ in parts)}, false) AS is{number}")
        params += [each for _, own in parts for each in own]
    sql = (
        f"SELECT e.customer_id, e.occurred_at, {', '.join(tests)} FROM crm_event e"  # noqa: S608 - compiled with parameters
        " WHERE e.tenant_id = %s AND e.occurred_at >= %s AND e.occurred_at < %s AND e.name = ANY(%s::text[])"
    )
    outer: list[Any] = [before]
    sql = f"SELECT *, CASE WHEN is1 AND occurred_at < %s THEN occurred_at END AS s1 FROM ({sql}) marked"  # noqa: S608 - see above
    for number in range(2, len(steps) + 1):
        earlier = (
            "OVER (PARTITION BY customer_id ORDER BY occurred_at"
            " GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        )
        sql = (
            f"SELECT *, max(s{number - 1}) {earlier} AS b{number}, max(occurred_at)"  # noqa: S608 - see above
            f" FILTER (WHERE s{number - 1} IS NOT NULL) {earlier} AS p{number} FROM ({sql}) l{number - 1}"
        )
        sql = (
            f"SELECT *, CASE WHEN is{number} AND occurred_at - b{number} <= %s THEN b{number} END"  # noqa: S608 - see above
            f" AS s{number}, occurred_at - p{number} AS g{number} FROM ({sql}) w{number}"
        )
        outer.insert(0, within)
    return sql, [*outer, *params]


def _share_of_previous(counts: Sequence[int], place: int) -> float:
    if place == 0:
        return 1.0
    return counts[place] / counts[place - 1] if counts[place - 1] else 0.0


def _group(steps: Sequence[EventPattern], row: Sequence[Any]) -> FunnelGroup:
    counts = row[1 : len(steps) + 1]
    medians = (None, *row[len(steps) + 1 :])
    told = [
        FunnelStep(
            event=step.event,
            customers=counts[place],
            share_of_first=counts[place] / counts[0] if counts[0] else 0.0,
            share_of_previous=_share_of_previous(counts, place),
            median_seconds=None if medians[place] is None else float(medians[place]),
        )
        for place, step in enumerate(steps)
    ]
    return FunnelGroup(row[0], tuple(told))

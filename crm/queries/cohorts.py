"""Retention by cohort: of those who began in one week or month, how many came back in the following ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from tenants.scope import active_tenant_id

MOST_PERIODS = 26
_DAYS_IN_WEEK, _MONTHS_IN_YEAR = 7, 12


class Start(StrEnum):
    """What makes somebody a member of a cohort."""

    FIRST_PURCHASE = "first_purchase"
    SIGN_UP = "sign_up"


class Return(StrEnum):
    """What counts as coming back: another order, or any event or order."""

    ORDER = "order"
    ANYTHING = "anything"


class Step(StrEnum):
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who began in the period from ``starts_on``; ``returned[n]`` came back n periods later, or None yet."""

    starts_on: date
    size: int
    returned: tuple[int | None, ...]

    def share(self, after: int) -> float | None:
        number = self.returned[after]
        return None if number is None else number / self.size


_COHORTS = """
WITH began AS MATERIALIZED (
    SELECT c.id AS customer_id, date_trunc(%(step)s, {start} AT TIME ZONE %(zone)s)::date AS starts_on
    FROM crm_customer c LEFT JOIN crm_ordersummary s ON s.tenant_id = c.tenant_id AND s.customer_id = c.id
    WHERE c.tenant_id = %(tenant)s AND c.state IN ('active', 'suspended')
      AND {start} >= %(since)s AND {start} <= %(at)s{segment}
), came AS (
    SELECT customer_id, date_trunc(%(step)s, happened_at AT TIME ZONE %(zone)s)::date AS came_on
    FROM ({activity}) happened GROUP BY 1, 2
)
SELECT b.starts_on, NULL::date AS came_on, count(*) FROM began b GROUP BY b.starts_on
UNION ALL
SELECT b.starts_on, a.came_on, count(*) FROM began b JOIN came a USING (customer_id)
WHERE a.came_on >= b.starts_on GROUP BY b.starts_on, a.came_on
"""
_STARTS = {
    Start.FIRST_PURCHASE: "s.first_order_at",
    Start.SIGN_UP: "coalesce(c.member_since, c.first_seen_at, c.created_at)",
}
_ORDERS = """SELECT customer_id, placed_at AS happened_at FROM crm_order
WHERE tenant_id = %(tenant)s AND customer_id IS NOT NULL AND placed_at >= %(since)s AND placed_at <= %(at)s"""
_EVENTS = """SELECT customer_id, occurred_at FROM crm_event
WHERE tenant_id = %(tenant)s AND occurred_at >= %(since)s AND occurred_at <= %(at)s"""
_IN_SEGMENT = """ AND EXISTS (SELECT FROM crm_segmentmember m JOIN crm_segment g
    ON g.tenant_id = m.tenant_id AND g.id = m.segment_id
    WHERE m.tenant_id = c.tenant_id AND m.customer_id = c.id AND g.key = %(segment)s)"""


def retention(
    *,
    start: Start,
    returning: Return,
    step: Step,
    periods: int,
    at: datetime,
    zone: ZoneInfo,
    segment: str = "",
) -> list[Cohort]:
    """Return the cohorts of the last ``periods`` weeks or months up to ``at``, the oldest first.

    Periods are the tenant's own, weeks begin on Monday. The first column counts who acted in the very period
    they began; a cohort in which nobody began is left out. ``segment`` keeps to the members of one segment.
    """
    today = at.astimezone(zone).date()
    first_on = _back(today, step, periods - 1)
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "step": step.value,
        "zone": zone.key,
        "since": datetime.combine(first_on, time.min, zone),
        "at": at,
        "segment": segment,
    }
    activity = _ORDERS if returning is Return.ORDER else f"{_ORDERS} UNION ALL {_EVENTS}"
    statement = _COHORTS.replace("{start}", _STARTS[start]).replace("{activity}", activity)
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("{segment}", _IN_SEGMENT if segment else ""), params)
        rows = cursor.fetchall()
    return _laid_out(rows, step, periods, _back(today, step, 0))


def _laid_out(rows: list[Any], step: Step, periods: int, current: date) -> list[Cohort]:
    sizes = {starts_on: count for starts_on, came_on, count in rows if came_on is None}
    came = {
        (starts_on, _distance(starts_on, came_on, step)): count
        for starts_on, came_on, count in rows
        if came_on
    }
    return [
        Cohort(
            starts_on,
            sizes[starts_on],
            tuple(
                came.get((starts_on, after), 0) if after <= _distance(starts_on, current, step) else None
                for after in range(periods)
            ),
        )
        for starts_on in sorted(sizes)
    ]


def _back(day: date, step: Step, periods: int) -> date:
    """Return the first day of the period that lies so many before the one of ``day``."""
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday() + _DAYS_IN_WEEK * periods)
    months = day.year * _MONTHS_IN_YEAR + day.month - 1 - periods
    return date(months // _MONTHS_IN_YEAR, months % _MONTHS_IN_YEAR + 1, 1)


def _distance(first: date, last: date, step: Step) -> int:
    if step is Step.WEEK:
        return (last - first).days // _DAYS_IN_WEEK
    return (last.year - first.year) * _MONTHS_IN_YEAR + last.month - first.month


def average(cohorts: list[Cohort], periods: int) -> list[float]:
    """Return the share of all who came back n periods later, among the cohorts old enough to tell."""
    shares = []
    for after in range(periods):
        told = [(each.returned[after], each.size) for each in cohorts if each.returned[after] is not None]
        size = sum(each_size for _, each_size in told)
        shares.append(sum(number or 0 for number, _ in told) / size if size else 0.0)
    return shares

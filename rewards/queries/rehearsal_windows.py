"""What leaves the windows that a rehearsal measures by: the year of spend, and the one that decides tiers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from rewards.domain.measures import Leaving, Measures
from rewards.domain.past import LEFT, Left
from rewards.domain.programs import Revision
from rewards.domain.qualification import QualificationWindow
from rewards.domain.tiers import ROLLING_YEAR
from rewards.queries import exchange
from rewards.queries.exchange import own_minor
from rewards.queries.rehearsal_days import local_days
from rewards.queries.rehearsal_rows import rows

_INSTANT: Final = timedelta(microseconds=1)
# What an order is worth when it leaves, {leaving}, is what a return has left of it by then.
_LEFT = """
    SELECT {leaving}, o.id, o.customer_id, {worth},
           (o.total_minor = 0 OR o.total_minor > back.total)::int
    FROM crm_order o
    CROSS JOIN LATERAL (
        SELECT COALESCE(SUM(r.total_minor), 0)::bigint AS total FROM crm_return r
        WHERE r.tenant_id = %(tenant)s AND r.order_id = o.id AND r.returned_at < {leaving}
    ) back
    WHERE o.tenant_id = %(tenant)s AND o.customer_id IS NOT NULL
      AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
"""
_LEFT_EVENTS = """
    SELECT {leaving}, e.customer_id, e.name, COUNT(*) FROM crm_event e
    WHERE e.tenant_id = %(tenant)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
      AND e.name = ANY(%(names)s)
    GROUP BY 1, 2, 3
"""


def left_year(since: datetime, until: datetime, revision: Revision) -> list[Left]:
    """Return the orders that leave the spend of 365 days in a span, with what they are still worth."""
    return [
        Left(at, LEFT, number, customer_id, spend)
        for at, number, customer_id, spend, _is_order in _left(
            _Gone.after_days(ROLLING_YEAR, since, until), revision
        )
    ]


def left_window(since: datetime, until: datetime, revision: Revision, measures: Measures) -> list[Left]:
    """Return the orders and events that leave a rolling window in a span."""
    found: list[Left] = []
    for gone in _gone(since, until, revision):
        if measures.counts_documents:
            found += [
                Left(at, LEFT, number, customer_id, 0, Leaving(spend, orders))
                for at, number, customer_id, spend, orders in _left(gone, revision)
            ]
        if measures.event_names:
            statement = _LEFT_EVENTS.format(leaving=gone.leaving.format("e.occurred_at"))
            gone_by = rows(statement, names=list(measures.event_names), **gone.parameters)
            found += [
                Left(at, LEFT, 0, customer_id, 0, Leaving(event=name, events=events))
                for at, customer_id, name, events in gone_by
            ]
    return found


class _Gone(NamedTuple):
    """What happened in a span and leaves a window: each after some days, or all at one moment."""

    leaving: str
    parameters: dict[str, Any]

    @classmethod
    def after_days(cls, days: timedelta, since: datetime, until: datetime) -> _Gone:
        return cls("{} + %(days)s", {"days": days, "since": since - days, "until": until - days})

    @classmethod
    def together(cls, at: datetime, since: datetime, until: datetime) -> _Gone:
        return cls("%(at)s::timestamptz", {"at": at, "since": since, "until": until})


def _gone(since: datetime, until: datetime, revision: Revision) -> Iterator[_Gone]:
    qualification, zone = revision.qualification, revision.time_zone
    if qualification.window is QualificationWindow.ROLLING_DAYS:
        yield _Gone.after_days(timedelta(days=qualification.length), since, until)
    elif qualification.window is QualificationWindow.ROLLING_MONTHS:
        for midnight in local_days(since, until, zone):
            first = qualification.window_start(midnight - _INSTANT, zone)
            yield _Gone.together(midnight, first, qualification.window_start(midnight, zone))


def _left(gone: _Gone, revision: Revision) -> list[tuple[Any, ...]]:
    statement = _LEFT.format(
        leaving=gone.leaving.format("o.placed_at"), worth=own_minor("o.total_minor - back.total")
    )
    return rows(statement, **gone.parameters, **exchange.parameters(revision.exchange))

"""Which days a rehearsal plays: whole days by the tenant's clock that end with one of them, or now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from rewards.domain.engine import Engine
from rewards.domain.expiry import start_of_day
from rewards.domain.qualification import Metric

MOST_DAYS: Final = 365
# Everything that looks further back, windows of a year and more, still finds a date there.
FIRST_DAY: Final = date(1970, 1, 1)
_DAY: Final = timedelta(days=1)


def ends_at(day: date, zone: tzinfo, now: datetime) -> datetime:
    """Return the moment before which days that end with ``day`` are played; today is not over yet."""
    return min(start_of_day(day + _DAY, zone), now)


def starts_at(until: datetime, days: int, zone: tzinfo) -> datetime:
    """Return when so many days began that end before a moment: at the same time by the local clock."""
    local, before = until.astimezone(zone), days * _DAY
    if until == start_of_day(local.date(), zone):
        # Not every day begins at midnight.
        return start_of_day(local.date() - before, zone)
    return (local - before).astimezone(UTC)


def pages(since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Return the spans in which a rehearsal is read and played: 24 hours each, the last one what is left."""
    return list(_pages(since, until))


def _pages(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = since
    while start < until:
        yield start, min(start + _DAY, until)
        start += _DAY


def events_asked(engine: Engine) -> frozenset[str]:
    """Return the names of the events that anything of a program answers to or counts."""
    revision = engine.revision
    counted = {each.name for each in revision.qualification.criteria if each.metric is Metric.EVENTS}
    return engine.event_names.union(counted, *(each.event_names() for each in revision.challenges))

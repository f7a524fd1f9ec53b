"""The periods of a challenge: by the calendar of the tenant's zone, clipped to the challenge's window."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from rewards.domain.challenges.definition import Challenge, Recurrence, WindowKind
from rewards.domain.expiry import add_months, start_of_day

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
LATEST: Final = datetime.max.replace(tzinfo=UTC)
# The period of a challenge that does not recur by the calendar.
ONCE: Final = "1"


class Span(NamedTuple):
    """Moments from ``starts_at`` (inclusive) to ``ends_at`` (exclusive)."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at


class Period(NamedTuple):
    """One round of a recurring challenge; the label is the local date of its first day."""

    label: str
    span: Span


def window_span(challenge: Challenge, *, joined_at: datetime, live_from: datetime, zone: tzinfo) -> Span:
    """Return the time that can count for one member.

    Without dates of its own a challenge counts from its first publication on; one that needs opting in never
    counts what happened before. A rolling window does not bound it: it moves inside.
    """
    window = challenge.window
    starts_at, ends_at = live_from, LATEST
    if window.kind is WindowKind.DATES:
        if window.starts_on:
            starts_at = start_of_day(window.starts_on, zone)
        if window.ends_on:
            ends_at = start_of_day(window.ends_on + timedelta(days=1), zone)
    elif window.kind is WindowKind.SINCE_JOINING:
        starts_at = max(live_from, joined_at) if challenge.needs_opt_in else joined_at
        ends_at = joined_at + timedelta(days=window.days)
    if challenge.needs_opt_in:
        starts_at = max(starts_at, joined_at)
    return Span(starts_at, ends_at)


def period_of(recurrence: Recurrence, moment: datetime, zone: tzinfo, within: Span) -> Period:
    """Return the period a moment belongs to, clipped to the window."""
    if not recurrence.is_by_calendar:
        return Period(ONCE, within)
    label, starts_at, ends_at = _calendar_period(recurrence, moment.astimezone(zone).date(), zone)
    return Period(label, Span(max(starts_at, within.starts_at), min(ends_at, within.ends_at)))


@lru_cache(maxsize=4096)
def _calendar_period(recurrence: Recurrence, day: date, zone: tzinfo) -> tuple[str, datetime, datetime]:
    """Return the label and the whole span of a day's period, which all customers share."""
    first, after = _calendar_days(recurrence, day)
    return first.isoformat(), start_of_day(first, zone), start_of_day(after, zone)


def _calendar_days(recurrence: Recurrence, day: date) -> tuple[date, date]:
    if recurrence is Recurrence.DAILY:
        return day, day + timedelta(days=1)
    if recurrence is Recurrence.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, add_months(first, 1)

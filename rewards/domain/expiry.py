"""From "twelve months after the day it was earned" to an instant, in the tenant's time zone."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Final

MONTHS_A_YEAR: Final = 12


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day when it is shorter."""
    index = day.year * MONTHS_A_YEAR + day.month - 1 + months
    year, month = divmod(index, MONTHS_A_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a local day, in UTC.

    Where daylight saving skips midnight, the day starts at the end of the gap; where midnight comes twice,
    at its first coming.
    """
    midnight = datetime.combine(day, time.min, tzinfo=zone)
    offset_before = (midnight - timedelta(days=1)).utcoffset()
    there_and_back = midnight.astimezone(UTC).astimezone(zone)
    if there_and_back.replace(tzinfo=None) != midnight.replace(tzinfo=None) and offset_before is not None:
        # fold=0 reads a skipped midnight with the offset before the gap, which is exactly the gap's end.
        return (midnight.replace(tzinfo=None) - offset_before).replace(tzinfo=UTC)
    return midnight.astimezone(UTC)


@lru_cache(maxsize=4096)
def _end_of_validity(day: date, months: int, zone: tzinfo) -> datetime:
    return start_of_day(add_months(day, months) + timedelta(days=1), zone)


def expires_at(earned_at: datetime, months: int | None, zone: tzinfo) -> datetime | None:
    """Return the first instant at which the points are gone, or ``None`` when they never expire.

    Points stay usable through the whole last local day: earned on 31 January 2024 for one month they are
    usable until the end of 29 February 2024.
    """
    if months is None:
        return None
    return _end_of_validity(earned_at.astimezone(zone).date(), months, zone)


class ExpiryKind(StrEnum):
    """How the end of points is found."""

    NEVER = "never"
    ROLLING = "rolling"
    CALENDAR = "calendar"
    INACTIVITY = "inactivity"


class Period(StrEnum):
    """What a calendar expiry ends with."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


MONTHS_BY_PERIOD: Final = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: MONTHS_A_YEAR}


@dataclass(frozen=True, slots=True)
class Expiry:
    """When points end, in whole local days.

    ``ROLLING``: ``months`` after the day they were earned. ``CALENDAR``: at the end of the ``period`` that
    contains the day ``months`` later, plus ``grace_days``. ``INACTIVITY``: like rolling, and everything
    the member earns or spends moves the end of all open points.
    """

    kind: ExpiryKind = ExpiryKind.NEVER
    months: int = 0
    period: Period = Period.YEAR
    grace_days: int = 0

    def ends_at(self, earned_at: datetime, zone: tzinfo) -> datetime | None:
        """Return the first instant at which points earned at a moment are gone; ``None`` is never."""
        if self.kind is ExpiryKind.NEVER:
            return None
        if self.kind is not ExpiryKind.CALENDAR:
            return _end_of_validity(earned_at.astimezone(zone).date(), self.months, zone)
        day = add_months(earned_at.astimezone(zone).date().replace(day=1), self.months)
        length = MONTHS_BY_PERIOD[self.period]
        first = day.replace(month=(day.month - 1) // length * length + 1)
        return start_of_day(add_months(first, length) + timedelta(days=self.grace_days), zone)


def active_stretches(
    active: Iterable[tuple[datetime, Expiry]], zone: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    """Yield when each stretch of activity began and until when its last moment keeps points alive.

    A moment that comes after the end of all before it begins a new stretch.
    """
    first = until = None
    for moment, expiry in sorted(active, key=lambda each: each[0]):
        end = expiry.ends_at(moment, zone)
        if end is None:
            continue
        if first is None or until is None or moment >= until:
            if first is not None and until is not None:
                yield first, until
            first, until = moment, end
        until = max(until, end)
    if first is not None and until is not None:
        yield first, until


def month_of(moment: datetime, zone: tzinfo) -> tuple[int, int]:
    """Return the local (year, month) a moment belongs to."""
    local = moment.astimezone(zone)
    return local.year, local.month


def month_bounds(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instants at which the local month of ``moment`` begins and ends."""
    first = moment.astimezone(zone).date().replace(day=1)
    return start_of_day(first, zone), start_of_day(add_months(first, 1), zone)

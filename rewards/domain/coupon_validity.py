"""When a coupon counts; weekdays are ISO (1 is Monday), days and hours those of the tenant's time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from rewards.domain.coupon_reasons import Reason, Rejection
from rewards.domain.expiry import start_of_day


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Validity:
    """When a coupon counts. ``until`` is the first instant at which it does not any more.

    Hours run from ``hour_from`` up to, without, ``hour_until``; 22 to 4 is a night and belongs to the weekday
    on which it began.
    """

    since: datetime | None = None
    until: datetime | None = None
    weekdays: frozenset[int] = frozenset()
    hour_from: int | None = None
    hour_until: int | None = None

    def rejections(self, at: datetime, zone: tzinfo) -> Iterator[Rejection]:
        if self.since is not None and at < self.since:
            yield Rejection(Reason.NOT_STARTED, at=self.since)
        if self.until is not None and at >= self.until:
            yield Rejection(Reason.EXPIRED, at=self.until)
        local = at.astimezone(zone)
        day, is_open = self._shift(local)
        if self.weekdays and day.isoweekday() not in self.weekdays:
            yield Rejection(Reason.WEEKDAY)
        if not is_open:
            yield Rejection(Reason.HOUR)

    def _shift(self, local: datetime) -> tuple[date, bool]:
        if self.hour_from is None or self.hour_until is None:
            return local.date(), True
        if self.hour_from < self.hour_until:
            return local.date(), self.hour_from <= local.hour < self.hour_until
        if local.hour < self.hour_until:
            return local.date() - timedelta(days=1), True
        return local.date(), local.hour >= self.hour_from


def end_after_days(issued_at: datetime, days: int | None, zone: tzinfo) -> datetime | None:
    """Return the end of the local day ``days`` after the day of issue: 1 is the end of tomorrow."""
    if days is None:
        return None
    return start_of_day(issued_at.astimezone(zone).date() + timedelta(days=days + 1), zone)


def period_start(period: Period, at: datetime, zone: tzinfo) -> date:
    """Return the first local day of the period ``at`` lies in; weeks begin on Monday."""
    day = at.astimezone(zone).date()
    if period is Period.DAY:
        return day
    return day - timedelta(days=day.weekday()) if period is Period.WEEK else day.replace(day=1)

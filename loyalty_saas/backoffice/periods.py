"""The dashboard's date range and the one before it, in the tenant's calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PRESETS: Final[dict[str, tuple[int, str | Promise]]] = {
    "30": (30, _("30 days")),
    "90": (90, _("90 days")),
    "365": (365, _("12 months")),
    "1095": (1095, _("3 years")),
}
DEFAULT_PRESET: Final = "365"
_LONGEST_DAYS: Final = 3660


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of one time zone, both ends included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time.min, self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """Return the first instant after the period."""
        return datetime.combine(self.last + timedelta(days=1), time.min, self.zone).astimezone(UTC)

    def before(self) -> Period:
        """Return as many days, ending the day before this period."""
        last = self.first - timedelta(days=1)
        return Period(last - timedelta(days=self.days - 1), last, self.zone)

    @property
    def months(self) -> list[date]:
        """Return the first day of every month the period touches."""
        found, month = [], self.first.replace(day=1)
        while month <= self.last:
            found.append(month)
            month = (month + timedelta(days=32)).replace(day=1)
        return found


def period_of(*, preset: str, first: date | None, last: date | None, latest: date, zone: ZoneInfo) -> Period:
    """Return the chosen range, or the preset's days up to ``latest``; a range upside down is turned."""
    if first and last:
        first, last = min(first, last), max(first, last)
        return Period(max(first, last - timedelta(days=_LONGEST_DAYS)), last, zone)
    days, _label = PRESETS.get(preset, PRESETS[DEFAULT_PRESET])
    return Period(latest - timedelta(days=days - 1), latest, zone)

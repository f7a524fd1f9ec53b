"""Who entered and left a segment, and how it grew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.models import Segment, SegmentDay, SegmentDeparture, SegmentMember


@dataclass(frozen=True, slots=True)
class DaySize:
    """One local day: members at its end, and how many entered and left on it."""

    day_on: date
    members: int
    entered: int
    left: int


def entered_ids(segment: Segment, *, at: datetime, after_id: int = 0, limit: int = 1000) -> Sequence[int]:
    """Return customers who entered in the refresh of the moment ``at``, by id, above ``after_id``."""
    rows = SegmentMember.objects.filter(segment=segment, joined_at=at, customer_id__gt=after_id)
    return list(rows.order_by("customer_id").values_list("customer_id", flat=True)[:limit])


def left_ids(segment: Segment, *, at: datetime, after_id: int = 0, limit: int = 1000) -> Sequence[int]:
    """Return customers who left in the refresh of the moment ``at``, by id, above ``after_id``."""
    rows = SegmentDeparture.objects.filter(segment=segment, left_at=at, customer_id__gt=after_id)
    return list(rows.order_by("customer_id").values_list("customer_id", flat=True)[:limit])


def growth(segment: Segment, *, last_on: date, days: int) -> list[DaySize]:
    """Return the last days up to ``last_on``; a day without a refresh has the size of the day before."""
    first_on = last_on - timedelta(days=days - 1)
    kept = {
        row.day_on: row
        for row in SegmentDay.objects.filter(segment=segment, day_on__range=(first_on, last_on))
    }
    before = SegmentDay.objects.filter(segment=segment, day_on__lt=first_on).order_by("-day_on").first()
    members, found = before.members if before else 0, []
    for step in range(days):
        day = first_on + timedelta(days=step)
        row = kept.get(day)
        members = row.members if row else members
        found.append(DaySize(day, members, row.entered if row else 0, row.left if row else 0))
    return found

"""Days of a rehearsal are the tenant's, whatever its clock does in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rewards.domain.rehearsal_days import FIRST_DAY, ends_at, pages, starts_at

NEW_YORK, SANTIAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Santiago")
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_today_ends_now_and_a_day_before_ends_with_its_last_instant() -> None:
    assert ends_at(date(2026, 11, 20), NEW_YORK, NOW) == NOW
    assert ends_at(date(2026, 11, 19), NEW_YORK, NOW) == datetime(2026, 11, 20, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "days", "zone", "since", "hours"),
    [
        # The clock is set back on 1 November and forward on 8 March; in Chile at midnight of 6 September.
        (date(2026, 11, 1), 1, NEW_YORK, datetime(2026, 11, 1, 4, tzinfo=UTC), 25),
        (date(2026, 3, 8), 1, NEW_YORK, datetime(2026, 3, 8, 5, tzinfo=UTC), 23),
        (date(2026, 3, 9), 3, NEW_YORK, datetime(2026, 3, 7, 5, tzinfo=UTC), 71),
        (date(2026, 9, 6), 1, SANTIAGO, datetime(2026, 9, 6, 4, tzinfo=UTC), 23),
        (date(2026, 9, 5), 1, SANTIAGO, datetime(2026, 9, 5, 4, tzinfo=UTC), 24),
    ],
)
def test_days_are_whole_over_a_change_of_the_clock(
    day: date, days: int, zone: ZoneInfo, since: datetime, hours: int
) -> None:
    until = ends_at(day, zone, NOW)
    assert starts_at(until, days, zone) == since
    assert until - since == timedelta(hours=hours)
    read = pages(since, until)
    assert (read[0][0], read[-1][1]) == (since, until)
    assert all(one[1] == next_one[0] for one, next_one in pairwise(read))


def test_the_first_day_leaves_room_for_a_year_before_it() -> None:
    until = ends_at(FIRST_DAY, NEW_YORK, NOW)
    assert starts_at(until, 365, NEW_YORK).year == 1969

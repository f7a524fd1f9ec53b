from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from rewards.domain.coupon_reasons import Reason, Rejection
from rewards.domain.coupon_validity import Period, Validity, end_after_days, period_start

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
FRIDAY_NOON = datetime(2026, 3, 13, 4, tzinfo=UTC)


def test_validity_is_told_by_the_tenants_clock() -> None:
    # Friday 23:30 in Shanghai is still Friday morning in New York.
    night = datetime(2026, 3, 13, 15, 30, tzinfo=UTC)
    late = Validity(weekdays=frozenset({5}), hour_from=22, hour_until=4)
    assert list(late.rejections(night, SHANGHAI)) == []
    assert list(late.rejections(night, NEW_YORK)) == [Rejection(Reason.HOUR)]
    # Saturday 03:59 belongs to Friday's night; 04:00 does not.
    assert list(late.rejections(datetime(2026, 3, 13, 19, 59, tzinfo=UTC), SHANGHAI)) == []
    after = list(late.rejections(datetime(2026, 3, 13, 20, 0, tzinfo=UTC), SHANGHAI))
    assert [rejection.reason for rejection in after] == [Reason.WEEKDAY, Reason.HOUR]


def test_the_end_is_the_first_instant_that_does_not_count() -> None:
    validity = Validity(since=FRIDAY_NOON, until=datetime(2026, 3, 14, tzinfo=UTC))
    assert list(validity.rejections(FRIDAY_NOON, SHANGHAI)) == []
    assert [r.reason for r in validity.rejections(datetime(2026, 3, 14, tzinfo=UTC), SHANGHAI)] == [
        Reason.EXPIRED
    ]
    assert list(validity.rejections(datetime(2026, 3, 1, tzinfo=UTC), SHANGHAI)) == [
        Rejection(Reason.NOT_STARTED, at=FRIDAY_NOON)
    ]


def test_days_after_issue_end_with_the_tenants_day_across_daylight_saving() -> None:
    issued = datetime(2026, 3, 8, 4, 30, tzinfo=UTC)  # 7 March, 23:30 in New York
    assert end_after_days(issued, 1, NEW_YORK) == datetime(2026, 3, 9, 4, tzinfo=UTC)
    assert end_after_days(issued, 0, NEW_YORK) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert end_after_days(issued, None, NEW_YORK) is None


def test_periods_begin_on_local_days() -> None:
    moment = datetime(2026, 3, 1, 17, tzinfo=UTC)  # Monday 2 March in Shanghai
    starts = [period_start(period, moment, SHANGHAI) for period in Period]
    assert starts == [date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 1)]

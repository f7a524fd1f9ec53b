from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from loyalty_saas.backoffice.periods import Period, period_of
from tenants.admin import formats
from tenants.admin.charts import Series, chart

NEW_YORK = ZoneInfo("America/New_York")


def test_period_covers_whole_local_days() -> None:
    period = Period(date(2026, 3, 8), date(2026, 3, 8), NEW_YORK)  # the clocks go forward
    assert period.start == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert period.end == datetime(2026, 3, 9, 4, tzinfo=UTC)


def test_period_before_has_the_same_length_and_touches() -> None:
    period = Period(date(2026, 1, 1), date(2026, 1, 31), NEW_YORK)
    assert period.before() == Period(date(2025, 12, 1), date(2025, 12, 31), NEW_YORK)
    assert period.months == [date(2026, 1, 1)]


def test_preset_ends_on_the_latest_day_and_a_range_is_turned() -> None:
    latest = date(2026, 3, 14)
    days30 = period_of(preset="30", first=None, last=None, latest=latest, zone=NEW_YORK)
    assert (days30.first, days30.last) == (date(2026, 2, 13), latest)
    turned = period_of(preset="", first=date(2026, 2, 2), last=date(2026, 1, 1), latest=latest, zone=NEW_YORK)
    assert (turned.first, turned.last) == (date(2026, 1, 1), date(2026, 2, 2))
    assert period_of(preset="x", first=None, last=None, latest=latest, zone=NEW_YORK).days == 365


@pytest.mark.parametrize(
    ("highest", "top"), [(0, "4"), (3, "4"), (21, "24"), (188, "200"), (20_700, "24000")]
)
def test_scale_ends_on_a_round_number(highest: int, top: str) -> None:
    drawn = chart(
        title="t",
        labels=["a"],
        series=[Series("s", [highest], str)],
        write_scale=lambda value: f"{value:.0f}",
    )
    assert drawn.scale[0] == (100.0, top)
    assert drawn.is_empty is (highest == 0)


def test_bars_are_shares_of_the_scale() -> None:
    drawn = chart(
        title="t", labels=["a", "b"], series=[Series("s", [10, -5], str), Series("u", [20, 0], str)],
        write_scale=str,
    )  # fmt: skip
    assert [column.heights for column in drawn.columns] == [(50.0, 100.0), (0.0, 0.0)]
    assert drawn.columns[0].words == (("s", "10"), ("u", "20"))
    assert drawn.line == "M25.00 50.00 L75.00 100.00"


@pytest.mark.parametrize(
    ("language", "minor", "currency", "text"),
    [
        ("en", 123456, "USD", "$1,234.56"),
        ("en", -50, "GBP", "−£0.50"),
        ("en", 1234, "JPY", "¥1,234"),
        ("en", 1234567, "KWD", "KWD\N{NO-BREAK SPACE}1,234.567"),
        ("zh-hans", 123456, "CNY", "¥1,234.56"),
        ("zh-hans", 123456, "USD", "US$1,234.56"),
    ],
)
def test_money(language: str, minor: int, currency: str, text: str) -> None:
    with translation.override(language):
        assert formats.money(minor, currency) == text


def test_compact_counts() -> None:
    assert [formats.compact(value) for value in (999, 1200, 3_400_000, None)] == ["999", "1.2k", "3.4M", "–"]
    with translation.override("zh-hans"):
        assert [formats.compact(value) for value in (999, 12_000, 250_000_000)] == ["999", "1.2万", "2.5亿"]


def test_moments_are_local_and_short() -> None:
    moment = datetime(2026, 3, 14, 2, 5, tzinfo=UTC)
    with timezone.override(NEW_YORK):
        assert formats.moment(moment) == "13 Mar 2026, 22:05"
        assert formats.day(moment) == "13 Mar 2026"
        with translation.override("zh-hans"):
            assert formats.moment(moment) == "2026年3月13日 22:05"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "just now"),
        (61, "1 minute ago"),
        (7_300, "2 hours ago"),
        (90_000, "1 day ago"),
        (86_400 * 70, "2 months ago"),
    ],
)
def test_age(seconds: int, text: str) -> None:
    now = datetime(2026, 3, 14, tzinfo=UTC)
    assert formats.age(now - timedelta(seconds=seconds), now) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (38, "38 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (None, "–")],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(("values", "kind"), [([3.0], "bars"), ([3.0, 4.0], "line")])
def test_one_point_alone_is_drawn_as_a_bar(values: list[float], kind: str) -> None:
    drawn = chart(
        title="t",
        labels=["x"] * len(values),
        series=[Series("s", values, str)],
        write_scale=str,
        kind="line",
    )
    assert drawn.kind == kind


def test_many_labels_are_thinned_out_and_few_are_not() -> None:
    def is_dense(columns: int) -> bool:
        row = Series("Members", [1.0] * columns, str)
        labels = [str(number) for number in range(columns)]
        return chart(title="t", labels=labels, series=[row], write_scale=str).is_dense

    assert [is_dense(columns) for columns in (1, 6, 7, 13)] == [False, False, True, True]

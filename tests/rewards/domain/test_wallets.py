"""When points end and begin: whole local days, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.domain.documents import SCHEMA, InvalidDocument, json_schema, parse, to_json
from rewards.domain.expiry import Expiry, ExpiryKind, Period, active_stretches
from rewards.domain.wallets import Pending, RefundPolicy, WalletKind, WalletPolicy

NEW_YORK, SHANGHAI = ZoneInfo("America/New_York"), ZoneInfo("Asia/Shanghai")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def local(zone: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type,misc]  # year, month, day, hour


@pytest.mark.parametrize(
    ("expiry", "earned", "ends"),
    [
        (Expiry(ExpiryKind.ROLLING, 12), (2024, 2, 29, 12), (2025, 3, 1)),
        (Expiry(ExpiryKind.ROLLING, 1), (2024, 1, 31, 23), (2024, 3, 1)),
        (Expiry(ExpiryKind.INACTIVITY, 6), (2025, 8, 31, 0), (2026, 3, 1)),
        (Expiry(ExpiryKind.CALENDAR, 0, Period.MONTH), (2024, 2, 29, 23), (2024, 3, 1)),
        (Expiry(ExpiryKind.CALENDAR, 0, Period.QUARTER), (2025, 12, 31, 23), (2026, 1, 1)),
        (Expiry(ExpiryKind.CALENDAR, 0, Period.QUARTER, 15), (2025, 1, 1, 0), (2025, 4, 16)),
        (Expiry(ExpiryKind.CALENDAR, 0, Period.YEAR), (2025, 1, 1, 0), (2026, 1, 1)),
        (Expiry(ExpiryKind.CALENDAR, 12, Period.YEAR, 90), (2025, 7, 9, 0), (2027, 4, 1)),
    ],
)
def test_points_end_with_a_local_day(expiry: Expiry, earned: tuple[int, ...], ends: tuple[int, ...]) -> None:
    for zone in (NEW_YORK, SHANGHAI):
        assert expiry.ends_at(local(zone, *earned), zone) == local(zone, *ends)


def test_a_minute_around_midnight_decides_the_year() -> None:
    expiry = Expiry(ExpiryKind.CALENDAR, 0, Period.YEAR)
    moment = datetime(2025, 12, 31, 16, 30, tzinfo=UTC)
    assert expiry.ends_at(moment, NEW_YORK) == local(NEW_YORK, 2026, 1, 1)
    assert expiry.ends_at(moment, SHANGHAI) == local(SHANGHAI, 2027, 1, 1)


def test_a_day_that_begins_at_one_in_the_morning_ends_points_then() -> None:
    # Sao Paulo skipped the midnight of 4 November 2018.
    expiry = Expiry(ExpiryKind.ROLLING, 1)
    ends_at = expiry.ends_at(local(SAO_PAULO, 2018, 10, 3, 12), SAO_PAULO)
    assert ends_at == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_pending_days_end_at_a_local_midnight_whatever_the_clocks_do() -> None:
    pending = Pending(days=14)
    assert pending.activates_at(local(NEW_YORK, 2025, 3, 1, 23), NEW_YORK) == local(NEW_YORK, 2025, 3, 15)
    assert Pending().activates_at(datetime(2025, 1, 1, tzinfo=UTC), UTC) is None
    assert Pending(event="order_delivered").awaits("order", 7) == "order_delivered:order:7"
    assert (Pending(event="manual").awaits("order", 7), Pending().awaits("order", 7)) == ("manual", None)


def test_points_that_wait_for_a_date_wait_in_local_days() -> None:
    pending = Pending(until=date(2026, 5, 1))
    assert pending.activates_at(local(NEW_YORK, 2026, 4, 30, 23), NEW_YORK) == local(NEW_YORK, 2026, 5, 1)
    assert pending.activates_at(local(NEW_YORK, 2026, 5, 1, 0), NEW_YORK) is None


@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"pending": {"until": "1 May"}}, "/wallets/0/pending/until", "invalid_day"),
        ({"pending": {"until": "2026-05-01", "days": 3}}, "/wallets/0/pending/until", "conflict"),
        ({"warning_days": [0]}, "/wallets/0/warning_days/0", "invalid_integer"),
        ({"warning_days": [1, 2, 3, 4, 5, 6]}, "/wallets/0/warning_days", "too_many"),
        ({"warning_days": "30"}, "/wallets/0/warning_days", "not_a_list"),
    ],
)
def test_a_wrong_wait_or_warning_is_named(members: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse({"wallets": [{"key": "points", "name": "Points", **members}]})
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]


def test_a_wait_for_a_date_and_warnings_read_as_they_were_written() -> None:
    wallet = {
        "key": "points", "name": "Points", "warning_days": [7, 14, 7], "pending": {"until": "2026-05-01"},
    }  # fmt: skip
    (read,) = parse({"wallets": [wallet]}).wallets
    assert (read.warning_days, read.pending.until) == ((14, 7), date(2026, 5, 1))
    assert parse(to_json(parse({"wallets": [wallet]}))).wallets == (read,)


@given(
    kind=st.sampled_from([ExpiryKind.ROLLING, ExpiryKind.CALENDAR, ExpiryKind.INACTIVITY]),
    months=st.integers(1, 36),
    period=st.sampled_from(Period),
    grace=st.integers(0, 60),
    earlier=st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - made aware below
    minutes=st.integers(0, 60 * 24 * 400),
)
def test_what_is_earned_later_never_ends_earlier(
    kind: ExpiryKind, months: int, period: Period, grace: int, earlier: datetime, minutes: int
) -> None:
    expiry, first = Expiry(kind, months, period, grace), earlier.replace(tzinfo=UTC)
    ends = [expiry.ends_at(first + timedelta(minutes=gap), NEW_YORK) for gap in (0, minutes)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert first < ends[0] <= ends[1]


def test_a_tiers_expiry_wins_and_money_is_rounded_up() -> None:
    gold = Expiry(ExpiryKind.ROLLING, 24)
    wallet = WalletPolicy(
        "points",
        "Points",
        12,
        thousand_points_minor=333,
        redemption_percent=80,
        expiry_by_tier={"gold": gold},
    )
    earned = datetime(2025, 1, 10, tzinfo=UTC)
    assert wallet.expires_at(earned, UTC) == datetime(2026, 1, 11, tzinfo=UTC)
    assert wallet.expires_at(earned, UTC, "gold") == datetime(2027, 1, 11, tzinfo=UTC)
    assert (wallet.cost_minor(10), wallet.liability_minor(1_000)) == (4, 267)
    cashback = WalletPolicy("cash", "Cashback", kind=WalletKind.CASHBACK)
    assert cashback.cost_minor(250) == 250


def test_a_wallets_document_reads_as_it_was_written() -> None:
    wallet = {
        "key": "points", "name": "Points", "expiry_months": None, "kind": "cashback",
        "expiry": {"kind": "calendar", "months": 12, "period": "quarter", "grace_days": 30},
        "expiry_by_tier": {"gold": {"kind": "never", "months": 0, "period": "year", "grace_days": 0}},
        "pending": {"days": 14, "event": "order_delivered"}, "refund_policy": "allow_debt",
        "restore_grace_days": 7, "allows_transfers": True, "thousand_points_minor": 900,
        "redemption_percent": 75, "adjustment_limits": {"support": 500, "api_key": 0},
        "warning_days": [14],
    }  # fmt: skip
    tiers = [{"key": "gold", "name": "Gold", "threshold_minor": 100}]
    revision = parse({"schema": SCHEMA, "wallets": [wallet], "tiers": tiers, "rules": []})
    policy = revision.wallet("points")
    assert (policy.refund_policy, policy.pending) == (RefundPolicy.ALLOW_DEBT, Pending(14, "order_delivered"))
    assert to_json(revision)["wallets"] == [wallet]
    assert set(json_schema()["properties"]["wallets"]["items"]["properties"]) == set(wallet)


def test_activity_is_cut_where_points_had_ended_in_between() -> None:
    month = Expiry(ExpiryKind.INACTIVITY, months=1)
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in (40, 0, 20, 200)]
    assert list(active_stretches([(day, month) for day in days], UTC)) == [
        (days[1], datetime(2026, 3, 11, tzinfo=UTC)), (days[3], datetime(2026, 8, 21, tzinfo=UTC)),
    ]  # fmt: skip
    assert list(active_stretches([], UTC)) == []

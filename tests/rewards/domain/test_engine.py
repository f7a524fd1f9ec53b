from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.domain.documents import InvalidDocument, parse, to_json
from rewards.domain.engine import evaluate, points_to_take_back
from rewards.domain.expiry import add_months, expires_at, start_of_day
from rewards.domain.facts import CustomerState, Happening, Line, order_placed
from rewards.domain.lots import LotBalance, allocate, allocate_return
from rewards.domain.tiers import ROLLING_YEAR, RollingSpend, Tier, standing

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
LINES = st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 99_999)), max_size=8)


def revision(**rule: object):
    document = {
        "wallets": [{"key": "points", "name": "Points", "expiry_months": 12}],
        "tiers": [
            {"key": "base", "name": "Base", "threshold_minor": 0},
            {"key": "gold", "name": "Gold", "threshold_minor": 100},
        ],
        "rules": [{"key": "r", "name": "R", "wallet": "points", "points": 1, "per_minor": 100, **rule}],
    }
    return parse(document, time_zone=ZoneInfo("America/New_York"))


def order(lines: list[tuple[str, int]]) -> Happening:
    numbered = [Line(position, *line) for position, line in enumerate(lines, start=1)]
    return order_placed(AT, sum(line[1] for line in lines), "web", numbered)


@given(
    LINES, st.integers(1, 1000), st.integers(1, 10_000), st.integers(0, 400), st.none() | st.integers(0, 500)
)
def test_points_are_the_exact_sum_rounded_down_once_and_lines_add_up(lines, points, per_minor, percent, cap):
    rules = revision(
        points=points,
        per_minor=per_minor,
        category_percent={"A": percent},
        tier_percent={"gold": 150},
        caps={"per_order": cap},
    )
    effects, decision = evaluate(rules, CustomerState(tier="gold"), order(lines))
    exact = sum(
        Fraction(amount * points * (percent if category == "A" else 100) * 150, per_minor * 10_000)
        for category, amount in lines
    )
    asked = exact.numerator // exact.denominator
    given_points = asked if cap is None else min(asked, cap)
    assert decision.outcomes[0].points == given_points
    assert sum(effect.points for effect in effects) == given_points
    by_line = decision.line_points_by_wallet.get("points", {})
    assert sum(by_line.values()) == given_points
    assert all(value > 0 for value in by_line.values())
    bit = decision.outcomes[0].cap
    assert (bit.to_json() if bit else None) == (
        {"kind": "per_event", "limit": cap, "asked": asked, "given": cap} if given_points < asked else None
    )


@given(st.integers(0, 10_000), st.integers(1, 50), st.lists(st.integers(1, 9), max_size=20))
def test_returning_in_parts_takes_back_what_was_earned_and_never_more(earned, quantity, parts):
    before, taken = 0, 0
    for part in parts:
        taken += points_to_take_back(earned, quantity, before, part)
        before += part
        assert taken <= earned
    assert taken == earned * min(before, quantity) // quantity


def test_a_failed_condition_says_by_how_much_and_a_stop_skips_the_rest():
    document = to_json(revision())
    first = {**document["rules"][0], "key": "big", "priority": 1, "stops": True}
    first["when"] = {"order": "total_minor", "op": "gte", "value": 5000}
    rules = parse({**document, "rules": [document["rules"][0], first]})
    small = evaluate(rules, CustomerState(), order([("A", 4999)])).decision.to_json()["rules"]
    expected = {
        "field": "order.total_minor",
        "op": "gte",
        "expected": 5000,
        "actual": 4999,
        "missing": 1,
    }
    assert small == [
        {"rule": "big", "matched": False, "points": 0, "failed": [expected]},
        {"rule": "r", "matched": True, "points": 49},
    ]
    big = evaluate(rules, CustomerState(), order([("A", 5000)])).decision.to_json()["rules"]
    assert big[1] == {"rule": "r", "matched": False, "points": 0, "skipped_by": "big"}


def test_the_short_form_is_read_and_its_errors_point_to_the_field():
    rules = revision(conditions=[{"field": "order.channel", "op": "not_in", "value": ["web", "app"]}])
    assert parse(to_json(rules), time_zone=rules.time_zone) == rules
    assert to_json(rules)["rules"][0]["when"] == {
        "not": {"order": "channel", "op": "in", "value": ["web", "app"]}
    }
    broken = {"wallets": [{"key": "points", "name": "Points"}], "rules": [{
        "key": "r", "name": "R", "points": True, "wallet": "gems", "tier_percent": {"zinc": 1},
        "color": "red",
        "conditions": [{"field": "order.channel", "op": "at_least", "value": "web"}],
    }]}  # fmt: skip
    with pytest.raises(InvalidDocument) as refusal:
        parse(broken)
    assert {(error.pointer, error.code) for error in refusal.value.errors} == {
        ("/rules/0/color", "unknown_field"),
        ("/rules/0/conditions/0/op", "not_comparable"),
        ("/rules/0/points", "invalid_integer"),
        ("/rules/0/wallet", "unknown_wallet"),
        ("/rules/0/tier_percent/zinc", "unknown_tier"),
    }


@pytest.mark.parametrize(
    ("earned", "months", "zone", "gone"),
    [
        ("2024-01-31T12:00:00+00:00", 1, "UTC", "2024-03-01T00:00:00+00:00"),
        ("2024-02-29T12:00:00+00:00", 12, "UTC", "2025-03-01T00:00:00+00:00"),
        # Still the 7th in New York, and the end of the 8th falls after the clocks went forward.
        ("2026-02-08T04:30:00+00:00", 1, "America/New_York", "2026-03-08T05:00:00+00:00"),
        ("2026-02-08T05:30:00+00:00", 1, "America/New_York", "2026-03-09T04:00:00+00:00"),
        # Midnight does not exist: the day after begins at one o'clock.
        ("2018-10-03T12:00:00+00:00", 1, "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
    ],
)
def test_points_live_through_their_last_local_day(earned, months, zone, gone):
    instant = expires_at(datetime.fromisoformat(earned), months, ZoneInfo(zone))
    assert instant == datetime.fromisoformat(gone)
    assert expires_at(AT, None, UTC) is None


@given(
    st.dates(date(1970, 1, 2), date(2037, 1, 1)),
    st.sampled_from(["UTC", "America/Sao_Paulo", "Asia/Shanghai"]),
)
def test_a_day_starts_on_that_day_and_the_instant_before_is_the_day_before(day, zone):
    start = start_of_day(day, ZoneInfo(zone))
    assert start.astimezone(ZoneInfo(zone)).date() == day
    assert (start - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() < day
    assert add_months(day, 0) == day


LOTS = st.lists(
    st.tuples(st.integers(1, 50), st.none() | st.integers(-3, 9), st.integers(0, 5)), max_size=6
).map(
    lambda rows: [
        LotBalance(number, points, None if days is None else AT + timedelta(days=days), min(held, points))
        for number, (points, days, held) in enumerate(rows)
    ]
)


@given(LOTS, st.integers(1, 120))
def test_an_allocation_takes_what_it_can_in_order(lots, points):
    allocation = allocate(lots, points, AT)
    usable = sum(lot.free for lot in lots if lot.is_usable(AT))
    assert sum(part for _, part in allocation.taken) == min(points, usable)
    assert allocation.missing == max(points - usable, 0)
    by_id = {lot.id: lot for lot in lots}
    ends = [by_id[lot_id].expires_at for lot_id, _ in allocation.taken]
    assert ends == sorted(ends, key=lambda end: (end is None, end or AT))
    assert all(part == by_id[lot_id].free for lot_id, part in allocation.taken[:-1])


def test_a_lot_that_moved_under_a_new_number_keeps_its_age():
    young = LotBalance(1, 10, available_from=AT)
    moved = LotBalance(2, 10, available_from=AT - timedelta(days=1))
    assert allocate([young, moved], 15, AT).taken == ((2, 10), (1, 5))
    ending = LotBalance(3, 10, AT + timedelta(days=9), available_from=AT)
    assert allocate([young, moved, ending], 1, AT).taken == ((3, 1),)


@given(LOTS, st.integers(1, 120))
def test_a_take_back_starts_with_its_own_lot_even_expired(lots, points):
    if not lots:
        return
    own = replace(lots[0], expires_at=AT)
    allocation = allocate_return([own, *lots[1:]], own.id, points, AT)
    taken = dict(allocation.taken)
    assert taken.get(own.id, 0) == min(own.free, points)
    assert sum(taken.values()) + allocation.missing == points


def test_a_tier_is_reached_at_its_threshold_and_the_window_forgets():
    tiers = [Tier("a", "A", 0), Tier("b", "B", 100)]
    assert standing(tiers, 99).missing_minor == 1
    assert (standing(tiers, 100).tier, standing(tiers, 100).next_tier) == (tiers[1], None)
    spend = RollingSpend()
    spend.add(1, AT, 80)
    spend.add(2, AT + timedelta(days=1), 50)
    spend.give_back(1, AT + timedelta(days=2), 30)
    assert spend.at(AT + timedelta(days=2)) == 130
    assert spend.at(AT + ROLLING_YEAR - timedelta(seconds=1)) == 100
    assert spend.at(AT + ROLLING_YEAR) == 50
    spend.give_back(1, AT + ROLLING_YEAR, 50)
    spend.give_back(2, AT + ROLLING_YEAR, 10)
    assert spend.at(AT + ROLLING_YEAR) == 50
    assert (spend.at(AT + ROLLING_YEAR + timedelta(seconds=1)), spend.orders_before) == (40, 2)

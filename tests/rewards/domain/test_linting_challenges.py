"""The linter on challenges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rewards.domain.documents import parse
from rewards.domain.linting import Known, lint

NOW = datetime(2026, 3, 14, tzinfo=UTC)
DAYS = {"kind": "streak", "match": {"event": "lesson"}}
SUM = {"kind": "sum", "match": {}, "of": "amount_minor", "target": 9}
LESSONS = {"kind": "count", "match": {"event": "lesson"}, "target": 1}
GIFT = [{"kind": "points", "wallet": "points", "points": 5}]


def program(*goals: dict[str, Any], **options: Any) -> Any:
    written = [
        {"key": f"c{number}", "name": "C", "goal": goal, "rewards": GIFT, **options}
        for number, goal in enumerate(goals)
    ]
    return parse({"wallets": [{"key": "points", "name": "Points"}], "challenges": written})


def said(revision: Any, **known: Any) -> list[tuple[str, str, str, Any]]:
    found = lint(revision, Known(at=NOW, **known))
    return [(each.severity.value, each.reason.value, each.pointer, each.parameters) for each in found]


def test_a_challenge_names_what_is_there() -> None:
    coupons = [*GIFT, {"kind": "coupon", "coupon": "gone"}]
    revision = program(
        LESSONS, audience={"segment": "nobody"}, rewards=coupons,
        milestones=[], limits={"per_customer": 1},
    )  # fmt: skip
    assert said(revision, coupons=frozenset({"ten"}), segments=frozenset({"vip"})) == [
        ("error", "missing", "/challenges/0/audience", {"kind": "segment", "key": "nobody"}),
        ("error", "missing", "/challenges/0/rewards", {"kind": "coupon", "key": "gone"}),
    ]
    assert said(revision, coupons=frozenset({"gone"}), segments=frozenset({"nobody"})) == []
    assert said(revision) == []


def test_a_budget_in_money_asks_what_points_cost() -> None:
    document = {
        "wallets": [{"key": "points", "name": "Points"}],
        "budgets": [{"key": "b", "name": "B", "money_minor": 5}],
        "challenges": [{"key": "c0", "name": "C", "goal": LESSONS, "rewards": GIFT, "budget": "b"}],
    }
    assert said(parse(document)) == [("warning", "budget_without_cost", "/challenges/0/budget", {})]
    document["wallets"] = [{"key": "points", "name": "Points", "thousand_points_minor": 5}]
    assert said(parse(document)) == []


def test_a_milestones_coupon_is_there_too() -> None:
    milestone = {"at": 1, "rewards": [{"kind": "coupon", "coupon": "gone"}]}
    revision = program({**SUM, "target": 2}, milestones=[milestone])
    ((_severity, _reason, pointer, named),) = said(revision, coupons=frozenset())
    assert (pointer, named["key"]) == ("/challenges/0/rewards", "gone")


@pytest.mark.parametrize(
    ("goal", "options", "most"),
    [
        ({"target": 2}, {"recurrence": "daily"}, 1),
        ({"target": 8}, {"recurrence": "weekly"}, 7),
        ({"target": 32}, {"recurrence": "monthly"}, 31),
        ({"target": 2, "unit": "week"}, {"recurrence": "weekly"}, 1),
        ({"target": 7, "unit": "week"}, {"recurrence": "monthly"}, 6),
        ({"target": 7}, {"window": {"kind": "since_joining", "days": 5}}, 6),
        ({"target": 4},
         {"window": {"kind": "dates", "starts_on": "2028-02-28", "ends_on": "2028-03-01"}}, 3),
        ({"target": 3, "unit": "week"},
         {"window": {"kind": "dates", "starts_on": "2026-03-15", "ends_on": "2026-03-22"}}, 2),
    ],
)  # fmt: skip
def test_a_streak_fits_into_its_time(goal: dict[str, Any], options: dict[str, Any], most: int) -> None:
    long = {**DAYS, **goal}
    assert said(program(long, **options)) == [
        ("error", "streak_too_long", "/challenges/0/goal", {"target": goal["target"], "most": most})
    ]
    if most > 1:
        assert said(program({**long, "target": most}, **options)) == []


def test_a_streak_with_all_the_time_fits() -> None:
    assert said(program({**DAYS, "target": 3000})) == []
    assert said(program({**DAYS, "target": 90}, window={"kind": "dates", "starts_on": "2026-03-15"})) == []


@pytest.mark.parametrize(
    ("options", "is_endless"),
    [
        ({}, True),
        ({"limits": {"per_customer": 5}}, False),
        ({"limits": {"total": 5}}, False),
        ({"recurrence": "weekly"}, False),
        ({"recurrence": "none"}, False),
        ({"rewards": [{"kind": "message", "message": "hello"}]}, False),
    ],
)
def test_events_that_complete_it_again_and_again_want_a_limit(
    options: dict[str, Any], *, is_endless: bool
) -> None:
    warned = [("warning", "uncapped", "/challenges/0/limits", {})] if is_endless else []
    assert said(program(LESSONS, **{"recurrence": "on_completion", **options})) == warned
    # Orders cost money and days take time.
    assert said(program(SUM, {**DAYS, "target": 3}, recurrence="on_completion")) == []


def test_what_has_counted_is_not_read_as_something_else() -> None:
    task = {"key": "t", "name": "T", "goal": SUM}
    both = {"kind": "set", "tasks": [task, {"key": "u", "name": "U", "goal": LESSONS}]}
    units = {**SUM, "of": "units"}
    former = program(SUM, LESSONS, both, {**DAYS, "target": 3})
    changed = [("error", "counts_otherwise", f"/challenges/{place}/goal", {}) for place in range(3)]
    other = {"kind": "set", "tasks": [{**task, "goal": units}, both["tasks"][1]]}
    now = program(units, {**DAYS, "target": 3}, other, {**DAYS, "target": 5, "unit": "week"})
    assert said(now, former=former) == changed
    assert said(now) == []
    # Another target, another event, other tasks: what has counted is still what it was.
    renamed = {**LESSONS, "match": {"event": "course"}, "target": 7}
    fewer = {"kind": "set", "tasks": [task, {"key": "v", "name": "V", "goal": units}]}
    now = program({**SUM, "target": 2}, renamed, fewer, {**DAYS, "target": 9, "gap": 2})
    assert said(now, former=former) == []


def test_what_is_over_is_told_while_it_is_new() -> None:
    over = program(SUM, window={"kind": "dates", "ends_on": "2026-03-13"})
    assert said(over) == [
        ("warning", "has_ended", "/challenges/0/window", {"ended_on": "2026-03-13"})
    ]  # fmt: skip
    assert said(over, former=over) == []
    assert said(program(SUM, window={"kind": "dates", "ends_on": "2026-03-14"})) == []

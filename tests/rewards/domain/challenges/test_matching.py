from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.domain.rules import Condition, Op, Source
from rewards.domain.challenges.definition import (
    CountGoal,
    DistinctGoal,
    EventMatch,
    Goal,
    OrderMatch,
    SequenceGoal,
    SetGoal,
    Step,
    SumGoal,
    Task,
)
from rewards.domain.challenges.matching import EventFacts, GoalReader, OrderedLine, OrderFacts, contributions

ZONE = ZoneInfo("America/New_York")
AT = datetime(2026, 3, 14, 3, 30, tzinfo=UTC)  # Friday, 22:30 in New York


def order(*lines: OrderedLine, total: int | None = None) -> OrderFacts:
    amount = sum(line.amount_minor for line in lines) if total is None else total
    return OrderFacts(7, 1, AT, amount, "web", lines)


def event(name: str = "quiz_passed", **properties: Any) -> EventFacts:
    return EventFacts("m1", 1, name, AT, properties)


def added(goal: Goal, document: OrderFacts | EventFacts) -> list[tuple[str, str, int]]:
    return [(each.part, each.value, each.amount) for each in contributions(goal, document, ZONE)]


MILK = OrderedLine("milk", "DAIRY", 2, 500)
BREAD = OrderedLine("bread", "BAKERY", 1, 300)


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (CountGoal(OrderMatch(), 3), [("", "", 1)]),
        (CountGoal(OrderMatch(frozenset({"DAIRY"})), 3), [("", "", 1)]),
        (CountGoal(OrderMatch(frozenset({"DELI"})), 3), []),
        (CountGoal(OrderMatch(skus=frozenset({"bread"})), 3), [("", "", 1)]),
        (SumGoal(OrderMatch(), "amount_minor", 3), [("", "", 900)]),
        (SumGoal(OrderMatch(frozenset({"DAIRY"})), "amount_minor", 3), [("", "", 500)]),
        (SumGoal(OrderMatch(), "units", 3), [("", "", 3)]),
        (DistinctGoal(OrderMatch(), "sku", 3), [("", "bread", 1), ("", "milk", 1)]),
        (DistinctGoal(OrderMatch(frozenset({"DAIRY"})), "category", 3), [("", "DAIRY", 1)]),
        (DistinctGoal(OrderMatch(), "channel", 3), [("", "web", 1)]),
        (CountGoal(EventMatch("quiz_passed"), 1), []),
    ],
)
def test_what_an_order_adds(goal: Goal, expected: list[tuple[str, str, int]]) -> None:
    assert added(goal, order(MILK, BREAD, total=900)) == expected


@pytest.mark.parametrize(
    ("name", "op", "value", "is_met"),
    [
        ("total_minor", Op.GTE, 800, True),
        ("total_minor", Op.GTE, 801, False),
        ("channel", Op.EQ, "web", True),
        ("weekday", Op.EQ, 5, True),
        ("hour", Op.EQ, 23, True),
        ("lines", Op.LT, 2, False),
    ],
)
def test_conditions_read_the_orders_facts_by_the_local_clock(
    name: str, op: Op, value: Any, is_met: bool
) -> None:
    goal = CountGoal(OrderMatch(where=Condition(Source.ATTRIBUTE, name, op, value)), 1)
    assert bool(added(goal, order(MILK, BREAD))) is is_met


def test_lines_that_all_came_back_do_not_match() -> None:
    assert added(CountGoal(OrderMatch(), 1), order(OrderedLine("milk", "DAIRY", 0, 0))) == []


def test_events_match_by_name_and_properties() -> None:
    passed = EventMatch("quiz_passed", Condition(Source.ATTRIBUTE, "score", Op.GTE, 80))
    assert added(CountGoal(passed, 1), event(score=80)) == [("", "", 1)]
    assert added(CountGoal(passed, 1), event(score=79)) == []
    assert added(CountGoal(passed, 1), event()) == []
    assert added(CountGoal(passed, 1), event("quiz_failed", score=99)) == []


@pytest.mark.parametrize(
    ("given", "amount"),
    [(0.4, 400), (3, 3000), (2.0005, 2000), (True, 0), ("3", 0), (-1, 0), (10**15, 0), (None, 0)],
)
def test_a_property_is_summed_in_thousandths_and_nonsense_counts_nothing(given: Any, amount: int) -> None:
    goal = SumGoal(EventMatch("run"), "km", 5)
    assert sum(each[2] for each in added(goal, event("run", km=given))) == amount


def test_distinct_values_of_a_property_are_texts() -> None:
    goal = DistinctGoal(EventMatch("quiz_passed"), "module", 3)
    assert added(goal, event(module=4)) == [("", "4", 1)]
    assert added(goal, event(module=True)) == added(goal, event(module="")) == []


def test_a_document_can_add_to_several_parts() -> None:
    steps = (Step("a", "A", EventMatch("quiz_passed")), Step("b", "B", EventMatch("quiz_passed")))
    assert added(SequenceGoal(steps), event()) == [("a", "", 1), ("b", "", 1)]
    tasks = (
        Task("buy", "Buy", CountGoal(OrderMatch(), 1)),
        Task("spend", "Spend", SumGoal(OrderMatch(), "amount_minor", 100)),
    )
    assert added(SetGoal(tasks, 2), order(MILK)) == [("buy", "", 1), ("spend", "", 500)]


@pytest.mark.parametrize(
    ("goal", "asks"),
    [
        (CountGoal(OrderMatch(), 1), False),
        (CountGoal(OrderMatch(skus=frozenset({"bread"})), 1), True),
        (DistinctGoal(OrderMatch(), "sku", 2), True),
        (DistinctGoal(OrderMatch(), "category", 2), False),
        (DistinctGoal(EventMatch("viewed"), "sku", 2), False),
        (SetGoal((Task("t", "T", DistinctGoal(OrderMatch(), "sku", 2)),), 1), True),
    ],
)
def test_stock_codes_are_asked_for_where_a_part_names_or_counts_them(goal: Any, asks: bool) -> None:
    assert GoalReader(goal, ZONE).asks_skus is asks

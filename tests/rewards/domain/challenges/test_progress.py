from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.domain.challenges.definition import (
    Challenge,
    CountGoal,
    DistinctGoal,
    Limits,
    Milestone,
    OrderMatch,
    Recurrence,
    SequenceGoal,
    SetGoal,
    Step,
    StreakGoal,
    StreakUnit,
    SumGoal,
    Task,
    Window,
    WindowKind,
)
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.periods import Span
from rewards.domain.challenges.walks import Known, Standing
from tests.rewards.domain.challenges.builders import LESSON, START, challenge, one, read, values

DAY = 24
ROLLING = Window(WindowKind.ROLLING, days=2)


def test_count_completes_with_the_contribution_that_reaches_the_target() -> None:
    (standing,) = read(challenge(), [one(0), one(2), one(1), one(3)])
    assert (standing.value, standing.target) == (4, 3)
    assert standing.completed_at == START + timedelta(hours=2)


def test_sums_of_a_property_are_whole_units_of_the_exact_sum() -> None:
    goal = SumGoal(LESSON, "hours", 2)
    assert values(read(challenge(goal), [one(h, amount=400) for h in range(4)])) == [("1", 1, False)]
    assert values(read(challenge(goal), [one(h, amount=400) for h in range(5)])) == [("1", 2, True)]


def test_distinct_counts_each_value_once() -> None:
    goal = DistinctGoal(LESSON, "module", 2)
    assert values(read(challenge(goal), [one(0, value="a"), one(1, value="a")])) == [("1", 1, False)]
    assert values(read(challenge(goal), [one(0, value="a"), one(1, value="b")])) == [("1", 2, True)]


@pytest.mark.parametrize(
    ("days", "gap", "expected"),
    [
        ([0, 1, 2], 0, (3, True)),
        ([0, 1, 3], 0, (1, False)),
        ([0, 1, 3], 1, (3, True)),
        ([0, 0, 0], 0, (1, False)),
        ([0, 1, 5, 6, 7], 0, (3, True)),
    ],
)
def test_streak_of_days(days: list[int], gap: int, expected: tuple[int, bool]) -> None:
    items = [one(day * DAY + index / 10) for index, day in enumerate(days)]
    (standing,) = read(challenge(StreakGoal(LESSON, 3, gap=gap)), items, days=days[-1] + 0.5)
    assert (standing.value, standing.completed_at is not None) == expected


def test_a_streak_counts_local_days() -> None:
    # 23:30 and 00:30 in New York are an hour and a day apart.
    late = [one(16.5), one(17.5)]
    assert values(read(challenge(StreakGoal(LESSON, 2)), late, days=1)) == [("1", 2, True)]


def test_an_interrupted_streak_is_shown_at_zero() -> None:
    goal = challenge(StreakGoal(LESSON, 3))
    assert values(read(goal, [one(0), one(DAY)], days=2)) == [("1", 2, False)]
    assert values(read(goal, [one(0), one(DAY)], days=3)) == [("1", 0, False)]


def test_streak_of_weeks_and_of_days_with_several_matches() -> None:
    weeks = StreakGoal(LESSON, 2, unit=StreakUnit.WEEK)
    assert values(read(challenge(weeks), [one(6 * DAY), one(7 * DAY)], days=8)) == [("1", 2, True)]
    twice = StreakGoal(LESSON, 2, each=2)
    items = [one(0), one(1), one(DAY)]
    assert values(read(challenge(twice), items, days=1.5)) == [("1", 1, False)]
    assert values(read(challenge(twice), [*items, one(DAY + 1)], days=1.5)) == [("1", 2, True)]


def test_a_sequence_needs_its_order_and_one_document_is_one_step() -> None:
    goal = challenge(SequenceGoal((Step("a", "A", LESSON), Step("b", "B", LESSON))))
    assert values(read(goal, [one(0, part="b"), one(1, part="a")])) == [("1", 1, False)]
    assert values(read(goal, [one(0, part="a"), one(1, part="b")])) == [("1", 2, True)]
    both = [one(0, source="x", part="a"), one(0, source="x", part="b")]
    assert values(read(goal, both)) == [("1", 1, False)]


def test_steps_of_one_instant_are_met_whatever_their_documents_are_called() -> None:
    goal = challenge(SequenceGoal(tuple(Step(key, key.upper(), LESSON) for key in "abc")))
    for first, second, third in ("xyz", "zyx", "yxz"):
        steps = [one(0, source=s, part=p) for s, p in ((first, "a"), (second, "b"), (third, "c"))]
        assert values(read(goal, steps)) == [("1", 3, True)]
    # What came earlier than its step is no step, even if another one of its instant was.
    late = [one(0, source="x", part="b"), one(1, source="y", part="a"), one(1, source="z", part="c")]
    assert values(read(goal, late)) == [("1", 1, False)]


def test_a_set_counts_finished_tasks() -> None:
    tasks = (
        Task("a", "A", CountGoal(LESSON, 2)),
        Task("b", "B", DistinctGoal(LESSON, "m", 1)),
        Task("c", "C", CountGoal(OrderMatch(), 9)),
    )
    (standing,) = read(challenge(SetGoal(tasks, 2)), [one(0, part="a"), one(1, part="b", value="x")])
    assert (standing.value, standing.completed_at) == (1, None)
    assert standing.value_by_task == {"a": 1, "b": 1, "c": 0}
    (standing,) = read(
        challenge(SetGoal(tasks, 2)), [one(0, part="a"), one(1, part="b", value="x"), one(2, part="a")]
    )
    assert standing.completed_at == START + timedelta(hours=2)


def test_a_rolling_window_completes_when_enough_came_close_together() -> None:
    rolling = challenge(window=ROLLING)
    apart = [one(0), one(DAY), one(2 * DAY)]
    assert values(read(rolling, apart, days=2)) == [("1", 2, False)]
    assert values(read(rolling, apart, days=9)) == [("1", 0, False)]
    assert values(read(rolling, [*apart, one(2 * DAY + 1)], days=9)) == [("1", 3, True)]


def test_dates_are_local_and_inclusive() -> None:
    window = Window(WindowKind.DATES, date(2026, 1, 6), date(2026, 1, 6))
    # The local day ends at 05:00 UTC of the next one.
    items = [one(16.9), one(17.1), one(40.9), one(41.1)]
    assert values(read(challenge(window=window), items)) == [("1", 2, False)]


def test_since_joining_counts_from_the_members_first_day() -> None:
    window = Window(WindowKind.SINCE_JOINING, days=2)
    items = [one(-1), one(0), one(47), one(48)]
    assert values(read(challenge(window=window), items)) == [("1", 2, False)]


def test_what_happened_before_opting_in_or_publication_does_not_count() -> None:
    items = [one(-1), one(0), one(5), one(6)]
    assert values(read(challenge(), items)) == [("1", 3, True)]
    joined = START + timedelta(hours=5)
    assert values(read(challenge(needs_opt_in=True), items, joined_at=joined)) == [("1", 2, False)]


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (Recurrence.DAILY, [("2026-01-05", 1, False), ("2026-01-06", 2, True), ("2026-02-02", 1, False)]),
        (Recurrence.WEEKLY, [("2026-01-05", 3, True), ("2026-02-02", 1, False)]),
        (Recurrence.MONTHLY, [("2026-01-01", 3, True), ("2026-02-01", 1, False)]),
        (Recurrence.ON_COMPLETION, [("1", 2, True), ("2", 2, True), ("3", 0, False)]),
    ],
)
def test_recurrence(recurrence: Recurrence, expected: list[tuple[str, int, bool]]) -> None:
    asked = challenge(CountGoal(LESSON, 2), recurrence=recurrence)
    items = [one(0), one(DAY), one(DAY + 1), one(28 * DAY)]
    found = values(read(asked, items))
    assert [each for each in found if each != ("3", 0, False)] == [
        each for each in expected if each != ("3", 0, False)
    ]


def test_a_customer_completes_at_most_the_limit_and_stored_completions_come_first() -> None:
    asked = challenge(CountGoal(LESSON, 1), recurrence=Recurrence.DAILY, limits=Limits(per_customer=1))
    items = [one(0), one(DAY)]
    assert [each[2] for each in values(read(asked, items))] == [True, False]
    stored = {"2026-01-06": Known(Span(START, START), target=1)}
    assert [each[2] for each in values(read(asked, items, known=stored))] == [False, True]
    twice = challenge(
        CountGoal(LESSON, 1), recurrence=Recurrence.ON_COMPLETION, limits=Limits(per_customer=2)
    )
    assert values(read(twice, [one(h) for h in range(5)])) == [("1", 1, True), ("2", 1, True)]


def test_a_completed_period_keeps_the_target_it_was_completed_at() -> None:
    harder = challenge(CountGoal(LESSON, 5))
    stored = {"1": Known(Span(START, START), target=2)}
    assert values(read(harder, [one(0), one(1)], known=stored)) == [("1", 2, True)]
    assert values(read(harder, [one(0), one(1)])) == [("1", 2, False)]


def test_a_known_period_without_contributions_stands_at_zero() -> None:
    stored = {"1": Known(Span(START, START), target=2)}
    assert values(read(challenge(), [], known=stored)) == [("1", 0, False)]


def test_milestones_remember_when_they_were_reached() -> None:
    asked = challenge(CountGoal(LESSON, 3), milestones=(Milestone(1), Milestone(2)))
    (standing,) = read(asked, [one(4), one(6)])
    assert dict(standing.reached_at_by_milestone) == {
        1: START + timedelta(hours=4),
        2: START + timedelta(hours=6),
    }


GOALS = [
    CountGoal(LESSON, 3),
    SumGoal(LESSON, "hours", 2),
    DistinctGoal(LESSON, "module", 2),
    StreakGoal(LESSON, 2, gap=1),
    SequenceGoal((Step("a", "A", LESSON), Step("b", "B", LESSON))),
    SetGoal((Task("a", "A", CountGoal(LESSON, 2)), Task("b", "B", CountGoal(LESSON, 1))), 2),
]
SCHEDULES: list[dict[str, Any]] = [{"recurrence": each} for each in Recurrence] + [
    {"window": Window(WindowKind.SINCE_JOINING, days=10)},
    {"recurrence": Recurrence.WEEKLY, "limits": Limits(per_customer=1)},
]
arrivals = st.lists(
    st.tuples(
        st.integers(0, 30 * DAY), st.sampled_from(["", "a", "b"]), st.sampled_from("xyz"), st.integers(1, 900)
    ),
    max_size=12,
)


@settings(max_examples=120)
@given(goal=st.sampled_from(GOALS), schedule=st.sampled_from(SCHEDULES), arrived=arrivals, data=st.data())
def test_progress_does_not_depend_on_the_order_or_batches_of_arrival(
    goal: Any, schedule: dict[str, Any], arrived: Sequence[tuple[int, str, str, int]], data: st.DataObject
) -> None:
    """Batches merged one by one, each of them twice, end where a reading of everything at once does."""
    asked = challenge(goal, milestones=(Milestone(1),), **schedule)
    items = [
        one(hours, source=f"s{index}", part=part, value=value, amount=amount)
        for index, (hours, part, value, amount) in enumerate(arrived)
    ]
    shuffled = data.draw(st.permutations(items))
    split = data.draw(st.integers(0, len(items)))
    store: dict[tuple[str, str, str], Contribution] = {}
    standing: list[Standing] = []
    for batch in (shuffled[:split], shuffled[split:], shuffled[:split]):
        store.update({(each.source_id, each.part, each.value): each for each in batch})
        standing = read(asked, store.values())
    assert standing == read(asked, items)


@settings(max_examples=60)
@given(arrived=arrivals, taken=st.integers(0, 11))
def test_taking_a_contribution_away_is_as_if_it_had_never_come(
    arrived: Sequence[tuple[int, str, str, int]], taken: int
) -> None:
    asked: Challenge = challenge(CountGoal(LESSON, 2), recurrence=Recurrence.ON_COMPLETION)
    items = [one(hours, source=f"s{index}") for index, (hours, *_) in enumerate(arrived)]
    left = [each for index, each in enumerate(items) if index != taken]
    assert sum(each.completed_at is not None for each in read(asked, left)) == len(left) // 2

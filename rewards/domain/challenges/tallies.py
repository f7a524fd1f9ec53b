"""Tallies: what a goal's contributions, fed in time order, add up to."""

from __future__ import annotations

from collections import Counter
from copy import copy
from datetime import datetime, tzinfo
from typing import Protocol, Self

from rewards.domain.challenges.definition import (
    CountGoal,
    DistinctGoal,
    Goal,
    SequenceGoal,
    SetGoal,
    SimpleGoal,
    StreakGoal,
    StreakUnit,
    SumGoal,
)
from rewards.domain.challenges.matching import Contribution


class Tally(Protocol):
    """Adds contributions; plain ones can also let the oldest go again, for windows that roll."""

    def add(self, one: Contribution) -> None: ...

    def discard(self, one: Contribution) -> None: ...

    def value(self) -> int: ...

    def copy(self) -> Self:
        """Return another tally of the same, which adding to this one does not change."""


class _Copied:
    """What is copied as it is, but for the containers that a tally names: of those it gets new ones."""

    _containers: tuple[str, ...] = ()

    def copy(self) -> Self:
        other = copy(self)
        for name in self._containers:
            setattr(self, name, getattr(self, name).copy())
        return other


class _Count(_Copied):
    def __init__(self) -> None:
        self._count = 0

    def add(self, one: Contribution) -> None:
        self._count += 1

    def discard(self, one: Contribution) -> None:
        self._count -= 1

    def value(self) -> int:
        return self._count


class _Sum(_Copied):
    def __init__(self, scale: int) -> None:
        self._scale, self._sum = scale, 0

    def add(self, one: Contribution) -> None:
        self._sum += one.amount

    def discard(self, one: Contribution) -> None:
        self._sum -= one.amount

    def value(self) -> int:
        return self._sum // self._scale


class _Distinct(_Copied):
    _containers = ("_times_by_value",)

    def __init__(self) -> None:
        self._times_by_value: Counter[str] = Counter()

    def add(self, one: Contribution) -> None:
        self._times_by_value[one.value] += 1

    def discard(self, one: Contribution) -> None:
        self._times_by_value[one.value] -= 1
        if not self._times_by_value[one.value]:
            del self._times_by_value[one.value]

    def value(self) -> int:
        return len(self._times_by_value)


class _Set(_Copied):
    """How many tasks are done."""

    def __init__(self, goal: SetGoal) -> None:
        self._tasks = {task.key: (_simple(task.goal), task.goal.target) for task in goal.tasks}

    def add(self, one: Contribution) -> None:
        if one.part in self._tasks:
            self._tasks[one.part][0].add(one)

    def discard(self, one: Contribution) -> None:
        if one.part in self._tasks:
            self._tasks[one.part][0].discard(one)

    def value(self) -> int:
        return sum(tally.value() >= target for tally, target in self._tasks.values())

    def by_task(self) -> dict[str, int]:
        return {key: tally.value() for key, (tally, _) in self._tasks.items()}

    def copy(self) -> Self:
        other = copy(self)
        self._tasks = {key: (tally.copy(), target) for key, (tally, target) in self._tasks.items()}
        return other


class _Sequence(_Copied):
    """How many steps were met in their order; documents of one instant stand in any order."""

    _containers = ("_instant", "_met_by")

    def __init__(self, goal: SequenceGoal) -> None:
        self._keys = [step.key for step in goal.steps]
        self._met = 0
        self._met_by: set[tuple[str, str]] = set()
        self._instant: list[Contribution] = []

    def add(self, one: Contribution) -> None:
        if self._instant and self._instant[0].occurred_at != one.occurred_at:
            self._instant.clear()
        self._instant.append(one)
        while (source := self._next()) is not None:
            self._met += 1
            self._met_by.add(source)

    def _next(self) -> tuple[str, str] | None:
        """Return the document that is the next step; one document is one step, also where it fits two."""
        if self._met == len(self._keys):
            return None
        sources = (
            (each.source_type, each.source_id) for each in self._instant if each.part == self._keys[self._met]
        )
        return next((source for source in sources if source not in self._met_by), None)

    def discard(self, one: Contribution) -> None:
        raise NotImplementedError("A sequence does not roll.")

    def value(self) -> int:
        return self._met

    def by_task(self) -> dict[str, int]:
        return {key: int(place < self._met) for place, key in enumerate(self._keys)}


class _Streak(_Copied):
    """The length of the run of days or weeks that ends with the latest contribution."""

    def __init__(self, goal: StreakGoal, zone: tzinfo) -> None:
        self._goal, self._zone = goal, zone
        self._unit: int | None = None
        self._in_unit = 0
        self._length = 0
        self._last_counted: int | None = None

    def unit_of(self, moment: datetime) -> int:
        """Return the number of the local day or ISO week of a moment, counted without gaps."""
        day = moment.astimezone(self._zone).date().toordinal()
        # The first day of the calendar was a Monday, number one.
        return day if self._goal.unit is StreakUnit.DAY else (day - 1) // 7

    def add(self, one: Contribution) -> None:
        unit = self.unit_of(one.occurred_at)
        if unit != self._unit:
            self._unit, self._in_unit = unit, 0
        self._in_unit += 1
        if self._in_unit == self._goal.each:
            goes_on = self._last_counted is not None and unit - self._last_counted <= self._goal.gap + 1
            self._length = self._length + 1 if goes_on else 1
            self._last_counted = unit

    def discard(self, one: Contribution) -> None:
        raise NotImplementedError("A streak does not roll.")

    def value(self) -> int:
        return self._length

    def is_alive(self, at: datetime) -> bool:
        """Whether a match today (or in time for the allowed gap) would still continue the run."""
        return self._last_counted is not None and self.unit_of(at) - self._last_counted <= self._goal.gap + 1


def tally_of(goal: Goal, zone: tzinfo) -> Tally:
    """Return an empty tally for a goal."""
    if isinstance(goal, StreakGoal):
        return _Streak(goal, zone)
    if isinstance(goal, SequenceGoal):
        return _Sequence(goal)
    return _Set(goal) if isinstance(goal, SetGoal) else _simple(goal)


def _simple(goal: SimpleGoal) -> Tally:
    match goal:
        case CountGoal():
            return _Count()
        case SumGoal():
            return _Sum(goal.scale)
        case DistinctGoal():
            return _Distinct()


def shown_value(tally: Tally, at: datetime) -> int:
    """Return the value as of ``at``: a streak that was interrupted is back at zero."""
    if isinstance(tally, _Streak) and not tally.is_alive(at):
        return 0
    return tally.value()


def values_by_task(tally: Tally) -> dict[str, int]:
    """Return how far each task or step is; empty for goals without."""
    return tally.by_task() if isinstance(tally, _Set | _Sequence) else {}

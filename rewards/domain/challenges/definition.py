"""What a challenge says, as immutable values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, TypeAlias

from crm.domain.rules import Rule

# Sums of an event's property are kept in thousandths, so that 0.4 km ten times are four.
THOUSANDTHS: Final = 1000


class Recurrence(StrEnum):
    """When a challenge starts again: never, by the calendar of the tenant's zone, or once completed."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    ON_COMPLETION = "on_completion"

    @property
    def is_by_calendar(self) -> bool:
        """Whether a period stands for itself, and does not follow from those before."""
        return self is not Recurrence.NONE and self is not Recurrence.ON_COMPLETION


class WindowKind(StrEnum):
    """The stretch of time that counts."""

    ALWAYS = "always"
    DATES = "dates"
    ROLLING = "rolling"
    SINCE_JOINING = "since_joining"


class StreakUnit(StrEnum):
    DAY = "day"
    WEEK = "week"


class OrderMeasure(StrEnum):
    """What is summed over orders."""

    AMOUNT_MINOR = "amount_minor"
    UNITS = "units"


class OrderAspect(StrEnum):
    """What must differ for a distinct goal over orders."""

    SKU = "sku"
    CATEGORY = "category"
    CHANNEL = "channel"


class RewardKind(StrEnum):
    POINTS = "points"
    COUPON = "coupon"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class OrderMatch:
    """Orders with at least one line of the categories and stock codes (empty: any) for which ``where`` holds.

    ``where`` reads the order's facts: ``total_minor``, ``channel``, ``currency``, ``lines``, ``weekday``…
    """

    categories: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    where: Rule | None = None

    @property
    def names_lines(self) -> bool:
        return bool(self.categories or self.skus)


@dataclass(frozen=True, slots=True)
class EventMatch:
    """Events of one name for whose properties ``where`` holds."""

    name: str
    where: Rule | None = None


Match: TypeAlias = OrderMatch | EventMatch


@dataclass(frozen=True, slots=True)
class CountGoal:
    """So many matching orders or events."""

    match: Match
    target: int


@dataclass(frozen=True, slots=True)
class SumGoal:
    """So much of a measure: an ``OrderMeasure``, or a numeric property of the event."""

    match: Match
    of: str
    target: int

    @property
    def scale(self) -> int:
        return THOUSANDTHS if isinstance(self.match, EventMatch) else 1


@dataclass(frozen=True, slots=True)
class DistinctGoal:
    """So many different values of an ``OrderAspect``, or of a property of the event."""

    match: Match
    of: str
    target: int


@dataclass(frozen=True, slots=True)
class StreakGoal:
    """So many days or weeks on end with at least ``each`` matches.

    Between two that count up to ``gap`` may be missed, each time anew.
    """

    match: Match
    target: int
    unit: StreakUnit = StreakUnit.DAY
    gap: int = 0
    each: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One link of a sequence; ``key`` is what its progress is kept under, so that editing keeps it."""

    key: str
    name: str
    match: Match


@dataclass(frozen=True, slots=True)
class SequenceGoal:
    """The steps in this order, each no earlier than the one before."""

    steps: tuple[Step, ...]

    @property
    def target(self) -> int:
        return len(self.steps)


SimpleGoal: TypeAlias = CountGoal | SumGoal | DistinctGoal


@dataclass(frozen=True, slots=True)
class Task:
    """One of a set of sub-tasks."""

    key: str
    name: str
    goal: SimpleGoal


@dataclass(frozen=True, slots=True)
class SetGoal:
    """``needed`` of the tasks, in any order."""

    tasks: tuple[Task, ...]
    needed: int

    @property
    def target(self) -> int:
        return self.needed


@dataclass(frozen=True, slots=True)
class Part:
    """A task or step as members see it."""

    key: str
    name: str
    target: int


Goal: TypeAlias = SimpleGoal | StreakGoal | SequenceGoal | SetGoal
KIND_BY_GOAL: Final[Mapping[type[Goal], str]] = {
    CountGoal: "count",
    SumGoal: "sum",
    DistinctGoal: "distinct",
    StreakGoal: "streak",
    SequenceGoal: "sequence",
    SetGoal: "set",
}


@dataclass(frozen=True, slots=True)
class Window:
    """The time that counts; dates are local and inclusive, ``days`` is for rolling and since joining."""

    kind: WindowKind = WindowKind.ALWAYS
    starts_on: date | None = None
    ends_on: date | None = None
    days: int = 0


@dataclass(frozen=True, slots=True)
class ChallengeReward:
    """Given once per completion or milestone. ``key`` names the wallet, coupon definition or message."""

    kind: RewardKind
    key: str
    points: int = 0


@dataclass(frozen=True, slots=True)
class Milestone:
    """A reward on the way, once the value reaches ``at``."""

    at: int
    rewards: tuple[ChallengeReward, ...] = ()


class Leaving(StrEnum):
    """What becomes of who has begun and leaves the audience.

    ``PAUSE``: nothing that happens outside counts, nothing is given; back inside they go on where they were.
    """

    GO_ON = "go_on"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who takes part: members of the segment and of one of the tiers; empty is everybody."""

    segment: str = ""
    tiers: frozenset[str] = frozenset()
    leaving: Leaving = Leaving.GO_ON


@dataclass(frozen=True, slots=True)
class Limits:
    """Most completions of one customer and of all together; ``None`` is unlimited."""

    per_customer: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """A goal over time with rewards; ``budget`` pays the points of all of them, where it names one."""

    key: str
    name: str
    goal: Goal
    description: str = ""
    window: Window = field(default_factory=Window)
    recurrence: Recurrence = Recurrence.NONE
    milestones: tuple[Milestone, ...] = ()
    rewards: tuple[ChallengeReward, ...] = ()
    needs_opt_in: bool = False
    audience: Audience = field(default_factory=Audience)
    limits: Limits = field(default_factory=Limits)
    rolls_back: bool = True
    budget: str = ""

    @property
    def is_for_everybody(self) -> bool:
        """Whether nobody needs to ask, and no audience is looked at."""
        return not (self.needs_opt_in or self.audience.segment or self.audience.tiers)

    @property
    def pauses(self) -> bool:
        """Whether who has begun waits while outside of the audience."""
        return self.audience.leaving is Leaving.PAUSE

    @property
    def is_ordered(self) -> bool:
        """Whether of contributions of one instant it matters which is read first."""
        return isinstance(self.goal, SequenceGoal) or self.recurrence is Recurrence.ON_COMPLETION

    @property
    def kind(self) -> str:
        return KIND_BY_GOAL[type(self.goal)]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The named parts of the goal: tasks of a set, steps of a sequence; others have none."""
        if isinstance(self.goal, SetGoal):
            return tuple(Part(task.key, task.name, task.goal.target) for task in self.goal.tasks)
        if isinstance(self.goal, SequenceGoal):
            return tuple(Part(step.key, step.name, 1) for step in self.goal.steps)
        return ()

    def event_names(self) -> frozenset[str]:
        """Names of the events that can count."""
        return frozenset(match.name for _, match in parts(self.goal) if isinstance(match, EventMatch))

    def counts_orders(self) -> bool:
        return any(isinstance(match, OrderMatch) for _, match in parts(self.goal))


def parts(goal: Goal) -> Iterator[tuple[str, Match]]:
    """Return what each part of a goal matches; a plain goal has one part, named by the empty text."""
    if isinstance(goal, SequenceGoal):
        yield from ((step.key, step.match) for step in goal.steps)
    elif isinstance(goal, SetGoal):
        yield from ((task.key, task.goal.match) for task in goal.tasks)
    else:
        yield "", goal.match

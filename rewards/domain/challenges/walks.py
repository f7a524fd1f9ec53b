"""Reading contributions in the order of time: one walk a period, one course a member and challenge.

Whoever has everything walks through it at once; whoever meets it as time goes by walks on from there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import NamedTuple

from rewards.domain.challenges.definition import Challenge, Recurrence, WindowKind, parts
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.periods import Period, Span, period_of, window_span
from rewards.domain.challenges.tallies import shown_value, tally_of, values_by_task


class Known(NamedTuple):
    """A period that is stored already; ``target`` is what it was completed at, ``None`` before that.

    A completed period keeps its target, so that editing the challenge cannot undo it.
    """

    span: Span
    target: int | None = None


class Standing(NamedTuple):
    """Progress in one period."""

    period: str
    span: Span
    value: int
    target: int
    completed_at: datetime | None = None
    reached_at_by_milestone: Mapping[int, datetime] = MappingProxyType({})
    value_by_task: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Member:
    """What of the member and the clock the reading of contributions needs."""

    joined_at: datetime
    live_from: datetime
    zone: tzinfo
    at: datetime
    known: Mapping[str, Known] = field(default_factory=lambda: MappingProxyType({}))


class Walk:
    """One period being read; contributions come in the order of time.

    ``has_news`` once the goal or a milestone was reached, until whoever walks on has settled it.
    """

    __slots__ = (
        "_challenge", "_days", "_inside", "_reached", "_tally", "completed_at", "has_news", "period",
        "target",
    )  # fmt: skip

    def __init__(self, challenge: Challenge, period: Period, known: Known | None, zone: tzinfo) -> None:
        self._challenge, self.period = challenge, period
        self.target = known.target if known and known.target is not None else challenge.goal.target
        rolls = challenge.window.kind is WindowKind.ROLLING
        self._days = timedelta(days=challenge.window.days) if rolls and challenge.window.days else None
        self._tally = tally_of(challenge.goal, zone)
        self._inside = None if self._days is None else deque[Contribution]()
        self._reached: dict[int, datetime] = {}
        self.completed_at: datetime | None = None
        self.has_news = False

    def add(self, one: Contribution) -> None:
        """Read one contribution."""
        if self._inside is not None:
            self._forget_before(one.occurred_at)
            self._inside.append(one)
        self._tally.add(one)
        value = self._tally.value()
        for milestone in self._challenge.milestones:
            if milestone.at <= value and milestone.at not in self._reached:
                self._reached[milestone.at] = one.occurred_at
                self.has_news = True
        if self.completed_at is None and value >= self.target:
            self.completed_at = one.occurred_at
            self.has_news = True

    def copied(self) -> Walk:
        """Return the same walk, to walk on from here another way."""
        other = copy(self)
        self._tally, self._reached = self._tally.copy(), dict(self._reached)
        self._inside = None if self._inside is None else self._inside.copy()
        return other

    @property
    def reached(self) -> Iterable[int]:
        """The milestones that were reached."""
        return self._reached

    @property
    def is_over(self) -> bool:
        """Whether what comes next belongs to another round."""
        return self.completed_at is not None and self._challenge.recurrence is Recurrence.ON_COMPLETION

    @property
    def has_everything(self) -> bool:
        """Whether the goal and every milestone was reached."""
        return self.completed_at is not None and len(self._reached) == len(self._challenge.milestones)

    def standing(self, at: datetime) -> Standing:
        """Return the progress as of a moment that is not before the last contribution."""
        if self.completed_at is None:
            self._forget_before(at)
            value = shown_value(self._tally, at)
        else:
            value = max(self._tally.value(), self.target)
        return Standing(
            self.period.label, self.period.span, value, self.target, self.completed_at, dict(self._reached),
            values_by_task(self._tally),
        )  # fmt: skip

    def _forget_before(self, moment: datetime) -> None:
        if self._inside is not None and self._days is not None:
            while self._inside and self._inside[0].occurred_at <= moment - self._days:
                self._tally.discard(self._inside.popleft())


class Course:
    """All that a member has contributed to one challenge, read in the order of time."""

    __slots__ = ("_challenge", "_known", "_newest", "_parts", "_rounds", "_span", "_walks", "_zone")

    def __init__(self, challenge: Challenge, member: Member) -> None:
        self._challenge, self._known, self._zone = challenge, member.known, member.zone
        self._span = window_span(
            challenge, joined_at=member.joined_at, live_from=member.live_from, zone=member.zone
        )
        self._parts = frozenset(part for part, _ in parts(challenge.goal))
        self._walks: dict[str, Walk] = {}
        self._newest: Walk | None = None
        self._rounds = 0

    @property
    def span(self) -> Span:
        """The time that can count."""
        return self._span

    @property
    def walks(self) -> Mapping[str, Walk]:
        """The periods that something counts for, by label."""
        return self._walks

    @property
    def newest(self) -> Walk | None:
        """The period that was begun last."""
        return self._newest

    def counts(self, one: Contribution) -> bool:
        """Whether a contribution is one to a part that the goal has, in the time that counts."""
        return one.part in self._parts and self._span.holds(one.occurred_at)

    def add(self, one: Contribution) -> Walk | None:
        """Read one contribution; returns its period, or ``None`` where it counts for none."""
        walk = self._walk_of(one.occurred_at) if self.counts(one) else None
        if walk is not None:
            walk.add(one)
        return walk

    def copied(self) -> Course:
        """Return the same course, to walk on from here another way."""
        other, newest = copy(self), self._newest
        self._walks = {period: walk.copied() for period, walk in self._walks.items()}
        self._newest = None if newest is None else self._walks.get(newest.period.label, newest)
        return other

    def forget(self, period: str) -> None:
        """Let go of a period that nothing is added to any more."""
        del self._walks[period]

    def _walk_of(self, moment: datetime) -> Walk | None:
        newest, challenge = self._newest, self._challenge
        if challenge.recurrence is Recurrence.ON_COMPLETION:
            if newest is not None and not newest.is_over:
                return newest
            if challenge.limits.per_customer is not None and self._rounds >= challenge.limits.per_customer:
                return None
            self._rounds += 1
            return self._begin(Period(str(self._rounds), self._span))
        if newest is not None and newest.period.span.holds(moment):
            return newest
        period = period_of(challenge.recurrence, moment, self._zone, self._span)
        return self._walks.get(period.label) or self._begin(period)

    def _begin(self, period: Period) -> Walk:
        walk = Walk(self._challenge, period, self._known.get(period.label), self._zone)
        self._walks[period.label] = self._newest = walk
        return walk

"""How far a member is: from all contributions to the standing of every period.

A pure function of the set of contributions, so the order in which they arrived cannot matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType

from rewards.domain.challenges.definition import Challenge, Recurrence, WindowKind, parts
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.periods import ONCE, Period, Span, period_of, window_span
from rewards.domain.challenges.tallies import shown_value, tally_of, values_by_task


@dataclass(frozen=True, slots=True)
class Known:
    """A period that is stored already; ``target`` is what it was completed at, ``None`` before that.

    A completed period keeps its target, so that editing the challenge cannot undo it.
    """

    span: Span
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Progress in one period."""

    period: str
    span: Span
    value: int
    target: int
    completed_at: datetime | None = None
    reached_at_by_milestone: Mapping[int, datetime] = field(default_factory=lambda: MappingProxyType({}))
    value_by_task: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Member:
    """What of the member and the clock the reading of contributions needs."""

    joined_at: datetime
    live_from: datetime
    zone: tzinfo
    at: datetime
    known: Mapping[str, Known] = field(default_factory=lambda: MappingProxyType({}))


def standings(challenge: Challenge, contributions: Iterable[Contribution], member: Member) -> list[Standing]:
    """Return the standing of every period that has contributions or is known, in order of time."""
    span = window_span(challenge, joined_at=member.joined_at, live_from=member.live_from, zone=member.zone)
    wanted = {part for part, _ in parts(challenge.goal)}
    counted = sorted(
        (one for one in contributions if one.part in wanted and span.holds(one.occurred_at)), key=_by_time
    )
    if challenge.recurrence is Recurrence.ON_COMPLETION:
        found = _rounds(challenge, counted, span, member)
    else:
        found = [
            _walk(challenge, period, items, member)[0]
            for period, items in _by_period(challenge, counted, span, member).items()
        ]
    there = {standing.period for standing in found}
    found += [
        _walk(challenge, _known_period(challenge, label, known, span, member), [], member)[0]
        for label, known in member.known.items()
        if label not in there
    ]
    return _within_limit(challenge, sorted(found, key=_by_start), member)


def _known_period(challenge: Challenge, label: str, known: Known, span: Span, member: Member) -> Period:
    """Return a stored period as the challenge has it now; completed ones stay what they were.

    A new revision may have moved the window, so that nothing counts any more and the period ends earlier, or
    later. A label of another recurrence than today's keeps its span, too.
    """
    if known.target is None:
        if challenge.recurrence in {Recurrence.NONE, Recurrence.ON_COMPLETION}:
            return Period(label, span) if label.isdecimal() else Period(label, known.span)
        period = period_of(challenge.recurrence, known.span.starts_at, member.zone, span)
        if period.label == label:
            return period
    return Period(label, known.span)


def _by_time(one: Contribution) -> tuple[datetime, str, str, str, str]:
    return one.occurred_at, one.source_type, one.source_id, one.part, one.value


def _by_start(standing: Standing) -> tuple[datetime, int, str]:
    return standing.span.starts_at, len(standing.period), standing.period


def _by_period(
    challenge: Challenge, counted: Sequence[Contribution], span: Span, member: Member
) -> dict[Period, list[Contribution]]:
    grouped: dict[Period, list[Contribution]] = {}
    for one in counted:
        period = period_of(challenge.recurrence, one.occurred_at, member.zone, span)
        grouped.setdefault(period, []).append(one)
    return grouped


def _rounds(
    challenge: Challenge, counted: Sequence[Contribution], span: Span, member: Member
) -> list[Standing]:
    """Return one standing a round: what completes a round starts the next one with what comes after."""
    found: list[Standing] = []
    most = challenge.limits.per_customer
    left: Sequence[Contribution] = counted
    while most is None or len(found) < most:
        label = str(len(found) + 1)
        standing, used = _walk(challenge, Period(label, span), left, member)
        if not left and found:
            break
        found.append(standing)
        if standing.completed_at is None:
            break
        left = left[used:]
    return found if counted else []


def _walk(
    challenge: Challenge, period: Period, items: Sequence[Contribution], member: Member
) -> tuple[Standing, int]:
    """Read contributions of one period in order; also return how many it took to complete."""
    known = member.known.get(period.label)
    target = known.target if known and known.target is not None else challenge.goal.target
    stops = challenge.recurrence is Recurrence.ON_COMPLETION
    days = challenge.window.days if challenge.window.kind is WindowKind.ROLLING else 0
    tally, inside = tally_of(challenge.goal, member.zone), deque[Contribution]()
    reached: dict[int, datetime] = {}
    completed_at, used = None, len(items)

    def forget_before(moment: datetime) -> None:
        while days and inside and inside[0].occurred_at <= moment - timedelta(days=days):
            tally.discard(inside.popleft())

    for index, one in enumerate(items):
        forget_before(one.occurred_at)
        tally.add(one)
        inside.append(one)
        value = tally.value()
        for milestone in challenge.milestones:
            if milestone.at <= value:
                reached.setdefault(milestone.at, one.occurred_at)
        if completed_at is None and value >= target:
            completed_at = one.occurred_at
            if stops:
                used = index + 1
                break
    if completed_at is None:
        forget_before(member.at)
        value = shown_value(tally, member.at)
    else:
        value = max(tally.value(), target)
    standing = Standing(
        period.label, period.span, value, target, completed_at, reached, values_by_task(tally)
    )
    return standing, used


def _within_limit(challenge: Challenge, found: list[Standing], member: Member) -> list[Standing]:
    """Leave the completions that a customer may have: stored ones first, then the earliest."""
    most = challenge.limits.per_customer
    if most is None or challenge.recurrence in {Recurrence.NONE, Recurrence.ON_COMPLETION}:
        return found
    done = [standing for standing in found if standing.completed_at is not None]
    done.sort(key=lambda each: (not _is_settled(each, member), each.completed_at, each.period))
    over = {standing.period for standing in done[most:]}
    return [
        Standing(each.period, each.span, each.value, each.target, value_by_task=each.value_by_task)
        if each.period in over
        else each
        for each in found
    ]


def _is_settled(standing: Standing, member: Member) -> bool:
    known = member.known.get(standing.period)
    return known is not None and known.target is not None


def current_period(challenge: Challenge, member: Member) -> Period:
    """Return the period that ``member.at`` is in, which may have no progress yet."""
    span = window_span(challenge, joined_at=member.joined_at, live_from=member.live_from, zone=member.zone)
    return period_of(challenge.recurrence, member.at, member.zone, span)


__all__ = ["ONCE", "Known", "Member", "Standing", "current_period", "standings"]

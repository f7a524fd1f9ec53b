"""What challenges say to no use, or without end, as far as that can be decided exactly."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from rewards.domain.challenges.definition import (
    Challenge,
    ChallengeReward,
    DistinctGoal,
    Goal,
    Recurrence,
    RewardKind,
    SetGoal,
    StreakGoal,
    StreakUnit,
    SumGoal,
    WindowKind,
)
from rewards.domain.findings import Finding, Reason, Severity, Value
from rewards.domain.programs import Revision

_DAYS_OF_PERIOD: Final = {Recurrence.DAILY: 1, Recurrence.WEEKLY: 7, Recurrence.MONTHLY: 31}
_WEEK: Final = 7


def challenges(
    revision: Revision, *, coupons: Collection[str] | None, segments: Collection[str] | None,
    former: Revision | None, at: datetime | None,
) -> Iterator[Finding]:  # fmt: skip
    """Yield what is to be looked at; ``former`` is in force, ``coupons`` and ``segments`` are there.

    What has ended is told of what is new or changed: a challenge that ran its course is no mistake.
    """
    in_force = {each.key: each for each in former.challenges} if former else {}
    for index, challenge in enumerate(revision.challenges):
        pointer, before = f"/challenges/{index}", in_force.get(challenge.key)
        yield from _references(challenge, pointer, coupons, segments)
        yield from _out_of_reach(challenge, pointer)
        yield from _unpriced(challenge, pointer, revision)
        if _is_endless(challenge):
            yield _warning(Reason.UNCAPPED, f"{pointer}/limits", challenge)
        if before is not None and _counts_otherwise(before.goal, challenge.goal):
            yield _error(Reason.COUNTS_OTHERWISE, f"{pointer}/goal", challenge)
        if at is not None and before != challenge:
            yield from _ended(challenge, pointer, at, revision)


def _error(reason: Reason, pointer: str, challenge: Challenge, **parameters: Value) -> Finding:
    return Finding(Severity.ERROR, reason, pointer, challenge.key, parameters)


def _warning(reason: Reason, pointer: str, challenge: Challenge, **parameters: Value) -> Finding:
    return Finding(Severity.WARNING, reason, pointer, challenge.key, parameters)


def _references(
    challenge: Challenge, pointer: str, coupons: Collection[str] | None, segments: Collection[str] | None
) -> Iterator[Finding]:
    segment = challenge.audience.segment
    if segment and segments is not None and segment not in segments:
        yield _error(Reason.MISSING, f"{pointer}/audience", challenge, kind="segment", key=segment)
    named = {reward.key for reward in _given(challenge) if reward.kind is RewardKind.COUPON}
    for key in sorted(named - frozenset(named if coupons is None else coupons)):
        yield _error(Reason.MISSING, f"{pointer}/rewards", challenge, kind="coupon", key=key)


def _out_of_reach(challenge: Challenge, pointer: str) -> Iterator[Finding]:
    """A streak that is longer than the time it has."""
    goal, days = challenge.goal, _days(challenge)
    if not isinstance(goal, StreakGoal) or days is None:
        return
    most = days
    if goal.unit is StreakUnit.WEEK:
        # A calendar week is one week; other stretches begin and end in the middle of one.
        most = 1 if challenge.recurrence in {Recurrence.DAILY, Recurrence.WEEKLY} else (days + 12) // _WEEK
    if goal.target > most:
        yield _error(Reason.STREAK_TOO_LONG, f"{pointer}/goal", challenge, target=goal.target, most=most)


def _given(challenge: Challenge) -> list[ChallengeReward]:
    return [*challenge.rewards, *(reward for each in challenge.milestones for reward in each.rewards)]


def _unpriced(challenge: Challenge, pointer: str, revision: Revision) -> Iterator[Finding]:
    """A budget in money that pays points of a wallet without a cost."""
    budget = next((each for each in revision.budgets if each.key == challenge.budget), None)
    if budget is None or budget.money_minor is None:
        return
    wallets = {reward.key for reward in _given(challenge) if reward.kind is RewardKind.POINTS}
    if any(not revision.wallet(key).thousand_cost_minor for key in wallets):
        yield _warning(Reason.BUDGET_WITHOUT_COST, f"{pointer}/budget", challenge)


def _days(challenge: Challenge) -> int | None:
    """Return how many local days one period touches at most, ``None`` without an end."""
    window, found = challenge.window, []
    if challenge.recurrence in _DAYS_OF_PERIOD:
        found.append(_DAYS_OF_PERIOD[challenge.recurrence])
    if window.kind is WindowKind.DATES and window.starts_on and window.ends_on:
        found.append((window.ends_on - window.starts_on).days + 1)
    if window.kind is WindowKind.SINCE_JOINING:
        # From the middle of the first day to the middle of the last one.
        found.append(window.days + 1)
    return min(found, default=None)


def _is_endless(challenge: Challenge) -> bool:
    """Whether events, which can be sent without end, complete it again and again."""
    gives = any(reward.kind is not RewardKind.MESSAGE for reward in challenge.rewards)
    limits = challenge.limits
    return (
        gives
        and challenge.recurrence is Recurrence.ON_COMPLETION
        and limits.per_customer is None
        and limits.total is None
        and bool(challenge.event_names())
        and not isinstance(challenge.goal, StreakGoal)
    )


def _counts_otherwise(before: Goal, goal: Goal) -> bool:
    """Whether what has counted would be read as something else: it is kept, in the former measure."""
    if type(before) is not type(goal):
        return True
    if isinstance(before, SetGoal) and isinstance(goal, SetGoal):
        now = {task.key: task.goal for task in goal.tasks}
        return any(
            task.key in now and _counts_otherwise(task.goal, now[task.key]) for task in before.tasks
        )  # fmt: skip
    if isinstance(before, SumGoal | DistinctGoal) and isinstance(goal, SumGoal | DistinctGoal):
        return before.of != goal.of
    return False


def _ended(challenge: Challenge, pointer: str, at: datetime, revision: Revision) -> Iterator[Finding]:
    last = challenge.window.ends_on
    if last is not None and last < at.astimezone(revision.time_zone).date():
        yield _warning(Reason.HAS_ENDED, f"{pointer}/window", challenge, ended_on=last.isoformat())

"""What reading a member's contributions again changes: periods before and after, and what is given for it.

Live counting stores what comes of it, a rehearsal keeps it in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from rewards.domain.challenges.definition import Challenge, ChallengeReward
from rewards.domain.challenges.participation import Pair
from rewards.domain.challenges.periods import EARLIEST, LATEST, Span, period_of
from rewards.domain.challenges.transitions import (
    DONE,
    GOAL,
    ProgressState,
    Settlement,
    Stored,
    milestone_slot,
    settle,
)
from rewards.domain.challenges.walks import Known, Standing


class Grant(NamedTuple):
    """A reward that was given, under its permanent source; ``withheld`` points a budget did not have."""

    slot: str
    kind: str
    key: str
    points: int
    source: str
    withheld: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        document = self._asdict()
        return document if self.withheld else {name: document[name] for name in self._fields[:-1]}


class Gift(NamedTuple):
    """One reward for one period; ``source`` is its name for ever, ``withheld`` what a budget kept of it."""

    pair: Pair
    period: str
    slot: str
    source: str
    reward: ChallengeReward
    earned_at: datetime
    withheld: int = 0

    @property
    def grant(self) -> Grant:
        reward = self.reward
        return Grant(self.slot, reward.kind.value, reward.key, reward.points, self.source, self.withheld)


def source_of(pair: Pair, period: str, round_number: int, slot: str, index: int) -> str:
    """Return the permanent source of a gift; a round that was taken back is followed by another one."""
    return f"{pair.challenge_key}:{pair.customer_id}:{period}:{round_number}:{slot}:{index}"


class Kept(NamedTuple):
    """A period as it is kept."""

    stored: Stored
    span: Span
    value: int
    value_by_task: Mapping[str, int]
    grants: tuple[Grant, ...] = ()
    rewarded_at: datetime | None = None

    @property
    def is_done(self) -> bool:
        return self.stored.state in DONE

    @property
    def known(self) -> Known:
        """The period as the reading of contributions wants it."""
        return Known(self.span, self.stored.target if self.is_done else None)


class Change(NamedTuple):
    """One period before and after."""

    pair: Pair
    challenge: Challenge
    standing: Standing
    before: Kept | None
    settlement: Settlement

    @property
    def completes(self) -> bool:
        was_done = self.before is not None and self.before.is_done
        return self.settlement.stored.state is ProgressState.COMPLETED and not was_done

    @property
    def revoked(self) -> tuple[Grant, ...]:
        """What was given and is to be taken back."""
        return self._grants(is_revoked=True)

    def _grants(self, *, is_revoked: bool) -> tuple[Grant, ...]:
        grants, revoked = self.before.grants if self.before else (), self.settlement.revoked
        if not revoked or not grants:
            return () if is_revoked else grants
        return tuple(grant for grant in grants if (grant.slot in revoked) is is_revoked)

    def gifts(self, at: datetime) -> list[Gift]:
        """Return what is due and was not given before."""
        period, stored = self.standing.period, self.settlement.stored
        had = {grant.source for grant in self._grants(is_revoked=False)}
        gifts = [
            Gift(
                self.pair, period, due.slot,
                source_of(self.pair, period, stored.round, due.slot, index), reward,
                self._earned_at(due.slot, at),
            )
            for due in self.settlement.due
            for index, reward in enumerate(due.rewards)
        ]  # fmt: skip
        return [gift for gift in gifts if gift.source not in had]

    def _earned_at(self, slot: str, at: datetime) -> datetime:
        if slot == GOAL:
            return self.standing.completed_at or at
        reached_at = self.standing.reached_at_by_milestone.items()
        return next((moment for reached, moment in reached_at if milestone_slot(reached) == slot), at)

    def after(self, gifts: Sequence[Gift], refused: Collection[str], at: datetime) -> Kept:
        """Return the period as it is to be kept, once ``gifts`` were given but for the ``refused`` sources.

        What a frozen account could not take stays due: the goal as COMPLETED, a milestone as not reached.
        """
        stored, standing = self.settlement.stored, self.standing
        refused_slots = {gift.slot for gift in gifts if gift.source in refused} if refused else ()
        state, milestones = stored.state, stored.milestones
        if state is ProgressState.COMPLETED and GOAL not in refused_slots:
            state = ProgressState.REWARDED
        if refused_slots:
            milestones = frozenset(each for each in milestones if milestone_slot(each) not in refused_slots)
        rewarded_at = None
        if state is ProgressState.REWARDED:
            rewarded_at = self.before.rewarded_at if self.before and self.before.rewarded_at else at
        given = tuple(gift.grant for gift in gifts if gift.source not in refused)
        return Kept(
            Stored(state, stored.target, stored.completed_at, milestones, stored.round),
            standing.span, standing.value,
            standing.value_by_task, self._grants(is_revoked=False) + given, rewarded_at,
        )  # fmt: skip


def change_of(
    pair: Pair, challenge: Challenge, standing: Standing, before: Kept | None, at: datetime
) -> Change:
    """Return what becomes of a period, given its standing of now."""
    settled = settle(challenge, before.stored if before else None, standing, at)
    return Change(pair, challenge, standing, before, settled)


def within_total(
    changes: Sequence[Change], completions: Callable[[str], int], at: datetime
) -> Sequence[Change]:
    """Leave the completions that a challenge has for all; who was first by the clock comes first.

    ``completions`` says how many a challenge has had so far; it is asked of those that are about to complete.
    """
    by_key: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        if change.challenge.limits.total is not None and change.completes:
            by_key[change.challenge.key].append(change)
    if not by_key:
        return changes
    over: set[tuple[Pair, str]] = set()
    for key in sorted(by_key):
        most = by_key[key][0].challenge.limits.total or 0
        waiting = sorted(by_key[key], key=lambda each: (each.standing.completed_at, each.pair))
        over |= {(each.pair, each.standing.period) for each in waiting[max(most - completions(key), 0) :]}
    return [
        change_of(each.pair, each.challenge, each.standing._replace(completed_at=None), each.before, at)
        if (each.pair, each.standing.period) in over
        else each
        for each in changes
    ]


def counts_since(challenge: Challenge, moment: datetime, zone: tzinfo) -> datetime:
    """Return from when on contributions matter to what happened at ``moment``.

    A calendar period stands for itself, unless a customer can complete only so many of them.
    """
    if (
        moment == EARLIEST
        or not challenge.recurrence.is_by_calendar
        or challenge.limits.per_customer is not None
    ):
        return EARLIEST
    return period_of(challenge.recurrence, moment, zone, Span(EARLIEST, LATEST)).span.starts_at

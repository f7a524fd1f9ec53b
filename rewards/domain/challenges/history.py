"""What was known of a member's periods at a moment, as far as later writing has left traces of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from rewards.domain.challenges.changes import Kept, change_of
from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.participation import Pair
from rewards.domain.challenges.progress import standings
from rewards.domain.challenges.transitions import GOAL, ProgressState, Stored, milestone_slot
from rewards.domain.challenges.walks import Known, Member, Standing


class Written(NamedTuple):
    """A period as it is stored now, and when it was written last."""

    kept: Kept
    at: datetime


class Given(NamedTuple):
    """The newest round of a period in which anything was given by then, and the slots it was given for."""

    round: int = 0
    slots: frozenset[str] = frozenset()


class Past(NamedTuple):
    """What is told of a member's periods: as they are written now, and what had counted by then.

    ``given`` is told of periods whose round need not be the written one.
    """

    written: Mapping[str, Written]
    counted: Sequence[Contribution]
    given: Mapping[str, Given]


def kept_before(challenge: Challenge, pair: Pair, past: Past, member: Member) -> dict[str, Kept]:
    """Return the periods as they were just before ``member.at``.

    What nobody has written since is as it was. Everything else is read again from what had counted by then,
    by the challenge as it is live; a completion of before keeps its target.
    """
    at, written = member.at, past.written
    same = {period: each.kept for period, each in written.items() if each.at < at}
    done = {
        period: each.kept
        for period, each in written.items()
        if each.at >= at and _before(each.kept.stored.completed_at, at)
    }
    known = {period: kept.known for period, kept in (*same.items(), *done.items())}
    for period, given in past.given.items():
        if given.slots and period in written:
            # Also where nothing counted for it any more by then.
            known.setdefault(period, Known(written[period].kept.span))
    found = dict(same)
    for reached in standings(challenge, past.counted, replace(member, known=known)):
        period = reached.period
        if period in same:
            continue
        standing = reached if period in done else _within_total(challenge, reached, past)
        number = _round(challenge, standing, past)
        begun = Stored(ProgressState.IN_PROGRESS, standing.target, None, round=number)
        change = change_of(pair, challenge, standing, Kept(begun, standing.span, 0, {}), at)
        found[period] = change.after(change.gifts(at), (), at)
    return found


def _round(challenge: Challenge, standing: Standing, past: Past) -> int:
    """Return the round that a period was in: what was given and is not reached was taken back by then."""
    given = past.given.get(standing.period)
    if given is None:
        now = past.written.get(standing.period)
        return now.kept.stored.round if now is not None else 0
    reached = {milestone_slot(each) for each in standing.reached_at_by_milestone}
    can_be_lost = {GOAL, *(milestone_slot(each.at) for each in challenge.milestones)} - reached
    if standing.completed_at is not None:
        can_be_lost.discard(GOAL)
    return given.round + (challenge.rolls_back and not can_be_lost.isdisjoint(given.slots))


def _within_total(challenge: Challenge, standing: Standing, past: Past) -> Standing:
    """Return what counts of a goal that was reached, where only so many of all members complete it.

    Who was late has reached it and never completed it: no gift tells of it.
    """
    given = past.given.get(standing.period, Given())
    if challenge.limits.total is None or GOAL in given.slots:
        return standing
    return standing._replace(completed_at=None)


def _before(moment: datetime | None, at: datetime) -> bool:
    return moment is not None and moment < at

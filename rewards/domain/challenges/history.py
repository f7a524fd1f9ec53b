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
from rewards.domain.challenges.transitions import ProgressState, Stored
from rewards.domain.challenges.walks import Member


class Written(NamedTuple):
    """A period as it is stored now, and when it was written last."""

    kept: Kept
    at: datetime


class Past(NamedTuple):
    """What is told of a member's periods: as they are written now, and what had counted by then.

    ``rounds`` are those of periods of which another one than the written is known.
    """

    written: Mapping[str, Written]
    counted: Sequence[Contribution]
    rounds: Mapping[str, int]


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
    found = dict(same)
    for standing in standings(challenge, past.counted, replace(member, known=known)):
        period = standing.period
        if period in same:
            continue
        now = written.get(period)
        number = past.rounds.get(period, now.kept.stored.round if now is not None else 0)
        begun = Stored(ProgressState.IN_PROGRESS, standing.target, None, round=number)
        change = change_of(pair, challenge, standing, Kept(begun, standing.span, 0, {}), at)
        found[period] = change.after(change.gifts(at), (), at)
    return found


def _before(moment: datetime | None, at: datetime) -> bool:
    return moment is not None and moment < at

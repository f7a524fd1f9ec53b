"""The state machine of one period: IN_PROGRESS -> COMPLETED -> REWARDED, or EXPIRED; and the way back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from rewards.domain.challenges.definition import Challenge, ChallengeReward
from rewards.domain.challenges.walks import Standing


class ProgressState(StrEnum):
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    REWARDED = "rewarded"
    EXPIRED = "expired"


DONE: Final = (ProgressState.COMPLETED, ProgressState.REWARDED)
GOAL: Final = "goal"


class Stored(NamedTuple):
    """What is known of a period from before; ``round`` counts how often its rewards were taken back."""

    state: ProgressState
    target: int
    completed_at: datetime | None
    milestones: frozenset[int] = frozenset()
    round: int = 0


class Due(NamedTuple):
    """Rewards to give, for reaching the goal or one milestone."""

    slot: str
    rewards: tuple[ChallengeReward, ...]


class Settlement(NamedTuple):
    """What becomes of a period, what is to be given and which slots are to be taken back."""

    stored: Stored
    due: tuple[Due, ...] = ()
    revoked: tuple[str, ...] = ()


def milestone_slot(at: int) -> str:
    return f"at-{at}"


def settle(challenge: Challenge, before: Stored | None, standing: Standing, at: datetime) -> Settlement:
    """Compare what is stored with what the contributions say now.

    A completion is final unless the challenge rolls back; one that was taken back can be reached again and
    is then given under a new round, because the ledger accepts each source once.
    """
    was_done = before is not None and before.state in DONE
    is_done = standing.completed_at is not None or (was_done and not challenge.rolls_back)
    had = before.milestones if before else frozenset()
    has = frozenset(standing.reached_at_by_milestone)
    lost = had - has if challenge.rolls_back else frozenset()
    if lost:
        # A milestone that was edited away is history, not a step back.
        lost &= {milestone.at for milestone in challenge.milestones}
    revoked = [milestone_slot(each) for each in sorted(lost)]
    if was_done and not is_done and challenge.rolls_back:
        revoked.append(GOAL)
    due = [
        Due(milestone_slot(each.at), each.rewards) for each in challenge.milestones if each.at in has - had
    ]
    # What was completed and not rewarded is due still: the account was frozen.
    if is_done and (before is None or before.state is not ProgressState.REWARDED):
        due.append(Due(GOAL, challenge.rewards))
    stored = Stored(
        state=_state(before, standing, at, keeps=not challenge.rolls_back),
        target=standing.target,
        completed_at=_completed_at(before, standing, keeps=not challenge.rolls_back),
        milestones=(had | has) - lost,
        round=(before.round if before else 0) + bool(revoked),
    )
    return Settlement(stored, tuple(due), tuple(revoked))


def _state(before: Stored | None, standing: Standing, at: datetime, *, keeps: bool) -> ProgressState:
    if before is not None and before.state in DONE and (standing.completed_at or keeps):
        return before.state
    if standing.completed_at:
        return ProgressState.COMPLETED
    return ProgressState.EXPIRED if standing.span.ends_at <= at else ProgressState.IN_PROGRESS


def _completed_at(before: Stored | None, standing: Standing, *, keeps: bool) -> datetime | None:
    was = before.completed_at if before is not None and before.state in DONE else None
    if was is not None and (standing.completed_at or keeps):
        return was
    return standing.completed_at

from __future__ import annotations

from datetime import timedelta

import pytest

from rewards.domain.challenges.definition import ChallengeReward, Milestone, RewardKind
from rewards.domain.challenges.periods import Span
from rewards.domain.challenges.transitions import Due, ProgressState, Stored, settle
from rewards.domain.challenges.walks import Standing
from tests.rewards.domain.challenges.builders import START, challenge

TEN = (ChallengeReward(RewardKind.POINTS, "points", 10),)
ONE = (ChallengeReward(RewardKind.POINTS, "points", 1),)
ASKED = challenge(rewards=TEN, milestones=(Milestone(1, ONE),))
KEEPING = challenge(rewards=TEN, milestones=(Milestone(1, ONE),), rolls_back=False)
END = START + timedelta(days=9)


def standing(value: int, *, done: bool = False) -> Standing:
    reached = {1: START} if value else {}
    return Standing("1", Span(START, END), value, 3, START if done else None, reached)


def test_a_first_step_is_in_progress_and_gives_its_milestone() -> None:
    found = settle(ASKED, None, standing(1), START)
    assert found.stored == Stored(ProgressState.IN_PROGRESS, 3, None, frozenset({1}))
    assert found.due == (Due("at-1", ONE),)


def test_completing_gives_the_rewards_once() -> None:
    found = settle(ASKED, None, standing(3, done=True), START)
    assert found.stored.state is ProgressState.COMPLETED
    assert found.due == (Due("at-1", ONE), Due("goal", TEN))
    again = settle(ASKED, found.stored, standing(4, done=True), START)
    assert again.due == (Due("goal", TEN),)  # not given yet
    rewarded = found.stored._replace(state=ProgressState.REWARDED)
    again = settle(ASKED, rewarded, standing(4, done=True), START)
    assert (again.due, again.revoked, again.stored) == ((), (), rewarded)


@pytest.mark.parametrize(
    ("after_end", "state"), [(False, ProgressState.IN_PROGRESS), (True, ProgressState.EXPIRED)]
)
def test_a_return_takes_back_what_it_made_untrue(after_end: bool, state: ProgressState) -> None:
    done = Stored(ProgressState.REWARDED, 3, START, frozenset({1}))
    found = settle(ASKED, done, standing(0), END if after_end else START)
    assert found.revoked == ("at-1", "goal")
    assert found.stored == Stored(state, 3, None, frozenset(), round=1)
    again = settle(ASKED, found.stored, standing(3, done=True), START)
    assert again.due == (Due("at-1", ONE), Due("goal", TEN))
    assert again.stored.round == 1


def test_without_roll_back_a_completion_is_final() -> None:
    done = Stored(ProgressState.REWARDED, 3, START, frozenset({1}))
    found = settle(KEEPING, done, standing(0), START)
    assert (found.stored, found.revoked) == (done, ())


def test_a_milestone_that_was_edited_away_is_kept() -> None:
    found = settle(
        challenge(rewards=TEN), Stored(ProgressState.IN_PROGRESS, 3, None, frozenset({1})), standing(0), START
    )
    assert (found.revoked, found.stored.milestones) == ((), frozenset({1}))


def test_a_period_that_is_over_expires_and_a_late_event_still_completes_it() -> None:
    expired = settle(ASKED, None, standing(1), END).stored
    assert expired.state is ProgressState.EXPIRED
    assert settle(ASKED, expired, standing(3, done=True), END).stored.state is ProgressState.COMPLETED

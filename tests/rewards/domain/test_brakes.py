"""Emergency brakes: they survive being written, end in time, and only ever tighten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.domain.brakes import Brake, BrakeKind, holding, is_tighter, read
from rewards.domain.policies import Pace, VelocityLimit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMIT = VelocityLimit(Pace.REFUNDS, 3, 24)
LIMITS = st.builds(
    VelocityLimit, st.just(Pace.REFUNDS), st.integers(min_value=0, max_value=9), st.integers(1, 9)
)


@pytest.mark.parametrize(
    "brake",
    [
        Brake(BrakeKind.RULE, "base", "attack", "Ann", NOW),
        Brake(BrakeKind.LIMIT, "refunds", "attack", "Ann", NOW, NOW + timedelta(hours=1), LIMIT),
    ],
)
def test_a_brake_is_read_as_it_was_written(brake: Brake) -> None:
    assert read(brake.to_json()) == brake


def test_only_those_that_are_on_count() -> None:
    ended = Brake(BrakeKind.COUPON, "old", "x", "Ann", NOW, NOW + timedelta(hours=1))
    running = Brake(BrakeKind.COUPON, "new", "x", "Ann", NOW)
    campaign = Brake(BrakeKind.CAMPAIGN, "spring", "x", "Ann", NOW)
    reward = Brake(BrakeKind.REWARD, "mug", "x", "Ann", NOW)
    documents = [each.to_json() for each in (ended, running, campaign, reward)]
    later = NOW + timedelta(hours=1)
    for key, its_campaign, now, then in (
        ("old", None, True, False), ("new", None, True, True), ("other", None, False, False),
        ("other", "spring", True, True),
    ):  # fmt: skip
        assert holding(documents, NOW).pauses_coupon(key, its_campaign) is now
        assert holding(documents, later).pauses_coupon(key, its_campaign) is then
    assert (holding(documents, NOW).rewards, holding(documents, later).rewards) == ({"mug"}, {"mug"})
    assert holding(documents, NOW).rules == frozenset()


@given(LIMITS, LIMITS, st.lists(st.integers(0, 20), max_size=12))
def test_a_tighter_limit_stops_whatever_the_other_one_stops(
    new: VelocityLimit, now: VelocityLimit, hours_ago: list[int]
) -> None:
    def stops(limit: VelocityLimit) -> bool:
        return sum(1 for hours in hours_ago if hours < limit.window_hours) >= limit.most

    if is_tighter(new, now):
        assert stops(new) >= stops(now)
        assert not is_tighter(now, new)
    assert not is_tighter(now, now)

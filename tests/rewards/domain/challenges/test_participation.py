"""One decision says who takes part; everybody who counts, gives, sweeps or foretells asks it."""

from __future__ import annotations

import pytest

from rewards.domain.challenges.definition import Audience, Challenge, CountGoal, EventMatch, Leaving
from rewards.domain.challenges.participation import COUNTS, Audiences, Involvement, involvement

INSIDE, OUTSIDE = 1, 2
AUDIENCES = Audiences({"vip": frozenset({INSIDE})}, {INSIDE: "gold", OUTSIDE: "base"})
NONE, MAY_BEGIN, TAKES, WAITS = Involvement.NONE, Involvement.MAY_BEGIN, Involvement.TAKES, Involvement.WAITS
PLAIN, PAUSING = Audience("vip"), Audience("vip", leaving=Leaving.PAUSE)
TIERED = Audience(tiers=frozenset({"gold"}))


@pytest.mark.parametrize(
    ("audience", "asks", "who", "is_opted_in", "expected"),
    [
        (Audience(), False, OUTSIDE, None, MAY_BEGIN),
        (Audience(), False, OUTSIDE, False, TAKES),
        (Audience(leaving=Leaving.PAUSE), False, OUTSIDE, None, MAY_BEGIN),
        (Audience(), True, INSIDE, None, NONE),
        (Audience(), True, INSIDE, False, NONE),
        (Audience(), True, INSIDE, True, TAKES),
        (PLAIN, False, INSIDE, None, MAY_BEGIN),
        (PLAIN, False, OUTSIDE, None, NONE),
        (PLAIN, False, OUTSIDE, False, TAKES),
        (PLAIN, True, OUTSIDE, True, TAKES),
        (TIERED, False, INSIDE, None, MAY_BEGIN),
        (TIERED, False, OUTSIDE, None, NONE),
        (Audience("vip", frozenset({"base"})), False, INSIDE, None, NONE),
        (PAUSING, False, INSIDE, False, TAKES),
        (PAUSING, False, OUTSIDE, False, WAITS),
        (PAUSING, True, OUTSIDE, True, WAITS),
        (PAUSING, True, INSIDE, True, TAKES),
    ],
)
def test_what_somebody_has_to_do_with_a_challenge(
    audience: Audience, asks: bool, who: int, is_opted_in: bool | None, expected: Involvement
) -> None:
    challenge = Challenge("c", "C", CountGoal(EventMatch("e"), 1), audience=audience, needs_opt_in=asks)
    found = involvement(challenge, AUDIENCES, who, is_opted_in=is_opted_in)
    assert (found, found in COUNTS) == (expected, expected in {MAY_BEGIN, TAKES})

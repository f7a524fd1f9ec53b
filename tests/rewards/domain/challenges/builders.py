"""Short ways to write challenges and contributions in tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rewards.domain.challenges.definition import Challenge, CountGoal, EventMatch, Goal
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.progress import standings
from rewards.domain.challenges.walks import Member, Standing

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday
LESSON = EventMatch("lesson_completed")


def challenge(goal: Goal | None = None, **options: Any) -> Challenge:
    return Challenge("c", "Challenge", goal or CountGoal(LESSON, 3), **options)


def one(hours: float, *, source: str = "", part: str = "", value: str = "", amount: int = 1) -> Contribution:
    moment = START + timedelta(hours=hours)
    return Contribution(part, "event", source or f"e{hours}", value, amount, moment)


def read(
    asked: Challenge, contributions: Iterable[Contribution], *, days: float = 365, **options: Any
) -> list[Standing]:
    values: dict[str, Any] = {
        "joined_at": START, "live_from": START, "zone": NEW_YORK, "at": START + timedelta(days=days),
        **options,
    }  # fmt: skip
    return standings(asked, contributions, Member(**values))


def values(found: list[Standing]) -> list[tuple[str, int, bool]]:
    return [(each.period, each.value, each.completed_at is not None) for each in found]

"""Budgets: the most that rules together may give in a period, in points and in money."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Period(StrEnum):
    """How long a budget or a cap counts before it starts again; local to the tenant's zone."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    PROGRAM = "program"


class WhenExhausted(StrEnum):
    """What a rule does whose budget does not reach any more: give the rest, or nothing."""

    GIVE_REST = "give_rest"
    GIVE_NOTHING = "give_nothing"


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit over all members; at least one of ``points`` and ``money_minor`` is set."""

    key: str
    name: str
    period: Period = Period.MONTH
    points: int | None = None
    money_minor: int | None = None
    when_exhausted: WhenExhausted = WhenExhausted.GIVE_REST

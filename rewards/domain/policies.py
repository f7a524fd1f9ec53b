"""What holds for the whole program."""

from __future__ import annotations

from dataclasses import dataclass

from rewards.domain.rules import CapPeriod


@dataclass(frozen=True, slots=True)
class MemberCap:
    """Most points that all rules together give one member in a wallet, by event or period."""

    wallet: str
    per: CapPeriod
    points: int


@dataclass(frozen=True, slots=True)
class Policies:
    """``backdating_days``: an event older than that earns nothing any more; ``None`` is no limit.

    Within the window an event is judged by the revision that was in force when it happened.
    """

    backdating_days: int | None = None
    member_caps: tuple[MemberCap, ...] = ()

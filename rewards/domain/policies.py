"""What holds for the whole program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rewards.domain.rules import CapPeriod


@dataclass(frozen=True, slots=True)
class MemberCap:
    """Most points that all rules together give one member in a wallet, by event or period."""

    wallet: str
    per: CapPeriod
    points: int


class Pace(StrEnum):
    """What a customer may do only so often before a person looks."""

    REDEMPTIONS = "redemptions"
    REFUNDS = "refunds"
    REFERRALS = "referrals"
    COUPONS = "coupons"
    TRANSFERS = "transfers"


@dataclass(frozen=True, slots=True)
class VelocityLimit:
    """At most ``most`` of a customer in ``window_hours``; the next one waits for a review."""

    kind: Pace
    most: int
    window_hours: int


MOST_IN_WINDOW: Final = 1_000_000
LONGEST_WINDOW_HOURS: Final = 24 * 366
USUAL_VELOCITY: Final = (
    VelocityLimit(Pace.REDEMPTIONS, 50, 24),
    VelocityLimit(Pace.REFUNDS, 5, 7 * 24),
    VelocityLimit(Pace.REFERRALS, 10, 24),
    VelocityLimit(Pace.COUPONS, 50, 24),
    VelocityLimit(Pace.TRANSFERS, 20, 24),
)


@dataclass(frozen=True, slots=True)
class Policies:
    """``backdating_days``: an event older than that earns nothing any more; ``None`` is no limit.

    Within the window an event is judged by the revision that was in force when it happened. Velocity that
    ``velocity_limits`` does not name has the tenant's own limit, or the usual one. ``exchange_rates`` are
    what a major unit of another currency is worth in major units of the tenant's.
    """

    backdating_days: int | None = None
    member_caps: tuple[MemberCap, ...] = ()
    velocity_limits: tuple[VelocityLimit, ...] = ()
    exchange_rates: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

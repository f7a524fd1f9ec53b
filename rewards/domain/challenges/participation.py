"""Who takes part in a challenge: the one answer for counting, giving, sweeping and foretelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from rewards.domain.challenges.definition import Challenge


class Pair(NamedTuple):
    """One customer in one challenge."""

    customer_id: int
    challenge_key: str


class Tiers(Protocol):
    """What customers hold now."""

    def get(self, customer_id: int, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Audiences:
    """Who of some customers is in which segment and which tier."""

    customers_by_segment: Mapping[str, frozenset[int]]
    tier_by_customer: Tiers

    def admits(self, challenge: Challenge, customer_id: int) -> bool:
        segment, tiers = challenge.audience.segment, challenge.audience.tiers
        if segment and customer_id not in self.customers_by_segment.get(segment, ()):
            return False
        return not tiers or self.tier_by_customer.get(customer_id) in tiers


class Involvement(StrEnum):
    """What somebody has to do with a challenge."""

    NONE = "none"
    # They begin with the first document that counts.
    MAY_BEGIN = "may_begin"
    TAKES = "takes"
    # Outside of an audience that the challenge waits for: what was counted can only be taken back.
    WAITS = "waits"


COUNTS: Final = frozenset({Involvement.MAY_BEGIN, Involvement.TAKES})


def involvement(
    challenge: Challenge, audiences: Audiences, customer_id: int, *, is_opted_in: bool | None
) -> Involvement:
    """Return what a customer has to do with a challenge.

    ``is_opted_in`` is that of their participation, ``None`` without one.
    """
    if challenge.pauses and not audiences.admits(challenge, customer_id):
        return Involvement.WAITS
    if challenge.needs_opt_in:
        return Involvement.TAKES if is_opted_in else Involvement.NONE
    if is_opted_in is not None:
        return Involvement.TAKES
    is_admitted = audiences.admits(challenge, customer_id)
    return Involvement.MAY_BEGIN if is_admitted else Involvement.NONE

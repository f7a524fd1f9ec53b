"""What members have spent in 365 days, and the tiers that it alone reaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from rewards.domain.tiers import ROLLING_YEAR, SPEND, Tier


@dataclass(slots=True)
class Spending:
    """One member's orders and spend of 365 days, with what came back at the instant of the newest return."""

    minor: int = 0
    orders_before: int = 0
    returned_minor: int = 0
    returned_at: datetime | None = None

    def before(self, at: datetime) -> int:
        """Return the spend the moment before: what happens at a return's instant does not know of it yet."""
        return self.minor + self.returned_minor if at == self.returned_at else self.minor

    def give_back(self, at: datetime, placed_at: datetime, amount_minor: int) -> None:
        """Lower the spend by a return of an order that still counts."""
        if placed_at > at - ROLLING_YEAR:
            if at != self.returned_at:
                self.returned_at, self.returned_minor = at, 0
            self.minor -= amount_minor
            self.returned_minor += amount_minor


def spend_ladder(tiers: Iterable[Tier]) -> tuple[tuple[int, str], ...]:
    """Return the (spend, tier) steps that spend alone can climb; what needs anything else ends them."""
    reachable = takewhile(lambda tier: not tier.needs or SPEND in tier.needs, tiers)
    return tuple((tier.needs.get(SPEND, 0), tier.key) for tier in reachable)


class ShadowSpending:
    """The spend of all members, and which tier it reaches in a ladder."""

    def __init__(self, tiers: Iterable[Tier]) -> None:
        self.by_customer: dict[int, Spending] = defaultdict(Spending)
        self._ladder = spend_ladder(tiers)

    def values(self, customer_id: int, _at: datetime) -> Mapping[str, int]:
        """Return what a ladder of spend measures."""
        return {SPEND: max(self.by_customer[customer_id].minor, 0)}

    def tier_before(self, customer_id: int, at: datetime) -> str | None:
        """Return the tier that the spend reached the moment before."""
        return self.tier_of(self.by_customer[customer_id].before(at)) if self._ladder else None

    def tier_of(self, spend_minor: int) -> str | None:
        """Return the tier that a spend reaches."""
        reached = None
        for need, key in self._ladder:
            if spend_minor < need:
                break
            reached = key
        return reached

"""Tiers by qualifying spend in a rolling year, and the running window that replays it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

# A span of instants, not of calendar dates: every day has the same weight, also around 29 February.
ROLLING_YEAR: Final = timedelta(days=365)

MONTHS_A_YEAR: Final = 12

# The criterion that ``threshold_minor`` is the threshold of.
SPEND: Final = "spend"


class CostPer(StrEnum):
    """What a perk's cost is for: a member who has it for a month, or an order of such a member."""

    MONTH = "month"
    ORDER = "order"


class PerkCost(NamedTuple):
    """What a perk costs the tenant, in minor units."""

    minor: int
    per: CostPer = CostPer.MONTH

    def a_year(self, members: int, orders: int) -> int:
        """Return the cost of a year with so many members and so many orders of theirs in it."""
        return self.minor * (orders if self.per is CostPer.ORDER else members * MONTHS_A_YEAR)


# A perk's name among ``costs``; entitlements and rewards stand behind a prefix.
FREE_SHIPPING: Final = "free_shipping"
PRICE_LIST: Final = "price_list"
ENTITLEMENT: Final = "entitlement:"
REWARD: Final = "reward:"
# Whoever has one of these has it with every order.
OF_ORDERS: Final = frozenset({FREE_SHIPPING, PRICE_LIST})


@dataclass(frozen=True, slots=True)
class Perks:
    """What a tier gives by itself; earning multipliers stand in the rules.

    ``entitlements`` are words that the tenant's own systems understand, ``rewards`` the keys of rewards that
    only this tier and those above may buy. ``prices`` are the points, by reward, that this tier and those
    above pay in the reward's own wallet; ``price_list`` is a name that the tenant's own systems understand.
    ``costs`` are what these cost the tenant, by their ``names``.
    """

    has_free_shipping: bool = False
    entitlements: tuple[str, ...] = ()
    rewards: frozenset[str] = frozenset()
    price_list: str = ""
    prices: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    costs: Mapping[str, PerkCost] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the perks that the tier has itself, as ``costs`` call them."""
        return (
            *([FREE_SHIPPING] if self.has_free_shipping else ()),
            *([PRICE_LIST] if self.price_list else ()),
            *(f"{ENTITLEMENT}{each}" for each in self.entitlements),
            *(f"{REWARD}{each}" for each in sorted(self.rewards)),
        )


@dataclass(frozen=True, slots=True)
class Tier:
    """A level. It needs ``threshold_minor`` of spend, or, where given, the ``thresholds`` by criterion."""

    key: str
    name: str
    threshold_minor: int = 0
    thresholds: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    perks: Perks = field(default_factory=Perks)

    @property
    def needs(self) -> Mapping[str, int]:
        """What must be reached, by criterion; nothing for a tier that is everybody's."""
        return self.thresholds or ({SPEND: self.threshold_minor} if self.threshold_minor else {})


def prices_for(tiers: Sequence[Tier], key: str | None) -> dict[str, int]:
    """Return the prices by reward that hold for a tier: its own and those below it, the lowest each."""
    place = next((index for index, tier in enumerate(tiers) if tier.key == key), -1)
    found: dict[str, int] = {}
    for tier in tiers[: place + 1]:
        for reward, points in tier.perks.prices.items():
            found[reward] = min(points, found.get(reward, points))
    return found


@dataclass(frozen=True, slots=True)
class TierStanding:
    """The tier reached, the next one, and what is missing to it."""

    tier: Tier | None
    next_tier: Tier | None
    missing_minor: int | None


def standing(tiers: Sequence[Tier], spend_minor: int) -> TierStanding:
    """Return where ``spend_minor`` stands; ``tiers`` rise by threshold. Nothing else reaches a tier here."""
    reached: Tier | None = None
    for tier in tiers:
        need = tier.needs.get(SPEND) if tier.needs else 0
        if need is None or spend_minor < need:
            return TierStanding(reached, tier, None if need is None else need - spend_minor)
        reached = tier
    return TierStanding(reached, None, None)


@dataclass(slots=True)
class RollingSpend:
    """One customer's qualifying spend while history is replayed in time order.

    A return lowers the order it belongs to, so both leave the window at the same moment. Whatever happens at
    the instant of a return does not know of it yet.
    """

    total_minor: int = 0
    orders_before: int = 0
    _orders: deque[list[int | datetime]] = field(default_factory=deque)
    _amount_by_order: dict[int, list[int | datetime]] = field(default_factory=dict)
    _returns: deque[tuple[datetime, int, int]] = field(default_factory=deque)

    def at(self, moment: datetime) -> int:
        """Return the spend of the year that ends at ``moment``, exclusive of its first instant."""
        returns = self._returns
        while returns and returns[0][0] < moment:
            self._lower(*returns.popleft()[1:])
        limit = moment - ROLLING_YEAR
        orders = self._orders
        while orders and orders[0][0] <= limit:  # type: ignore[operator]  # first cell is the moment
            _, order_id, amount = orders.popleft()
            self.total_minor -= amount  # type: ignore[operator]
            del self._amount_by_order[order_id]  # type: ignore[arg-type]
        return self.total_minor

    def add(self, order_id: int, moment: datetime, amount_minor: int) -> None:
        """Count an order; moments must not go backwards."""
        cell: list[int | datetime] = [moment, order_id, amount_minor]
        self._orders.append(cell)
        self._amount_by_order[order_id] = cell
        self.total_minor += amount_minor
        self.orders_before += 1

    def give_back(self, order_id: int, moment: datetime, amount_minor: int) -> None:
        """Lower an order by what was returned of it; moments must not go backwards."""
        self._returns.append((moment, order_id, amount_minor))

    def _lower(self, order_id: int, amount_minor: int) -> None:
        """An order outside the window changes nothing."""
        cell = self._amount_by_order.get(order_id)
        if cell is not None:
            cell[2] -= amount_minor  # type: ignore[operator]
            self.total_minor -= amount_minor

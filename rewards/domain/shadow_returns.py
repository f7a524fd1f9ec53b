"""What returned orders earned in a rehearsal, and which lots it went to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from rewards.domain.decisions import Decision
from rewards.domain.lots import LotBalance
from rewards.domain.past import Returned
from rewards.domain.pots import LinePoints, Units, asked_back, by_pot


class Asked(NamedTuple):
    """Points that a return asks of one pot, and the lot they went to, if anything was left for one."""

    pot: str
    points: int
    lot: LotBalance | None


class ShadowReturns:
    """Knows the orders that something is given back of in these days: of no other does anybody ask."""

    def __init__(self, order_ids: Collection[int]) -> None:
        self._order_ids = order_ids
        self._pots: dict[int, LinePoints] = {}
        self._lots: dict[int, Mapping[str, LotBalance | None]] = {}
        self._returned: dict[tuple[int, int], int] = defaultdict(int)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._order_ids

    def knows(self, order_id: int) -> bool:
        """Whether it is known what an order earned."""
        return order_id in self._pots

    def open(self, order_id: int, pots: LinePoints, lots: Mapping[str, LotBalance | None]) -> None:
        """Take over what an order of before earned."""
        self._pots[order_id], self._lots[order_id] = pots, lots

    def open_units(self, order_id: int, position: int, returned: int) -> None:
        """Take over how much of a line came back before."""
        self._returned[order_id, position] = returned

    def remember(self, order_id: int, decision: Decision, lots: Mapping[str, LotBalance | None]) -> None:
        """Keep what an order has earned, by line, and the lots of its pots."""
        pots = by_pot(decision.line_points_by_wallet, decision.own_line_points_by_pot)
        self.open(order_id, pots, lots)

    def forget(self, item: Returned) -> None:
        """Let the units of a return count as not given back: it waits."""
        for line in item.units:
            self._returned[item.order_id, line.position] -= line.returned

    def asked(self, item: Returned) -> Iterator[Asked]:
        """Yield what a return asks back, once a pot."""
        order_id, units = item.order_id, []
        for line in item.units:
            before = self._returned[order_id, line.position]
            self._returned[order_id, line.position] = before + line.returned
            units.append(Units(line.position, line.bought, before, line.returned))
        lots = self._lots.get(order_id, {})
        for pot, by_line in asked_back(self._pots.get(order_id, {}), units).items():
            yield Asked(pot, sum(by_line.values()), lots.get(pot))

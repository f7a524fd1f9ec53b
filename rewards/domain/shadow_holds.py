"""Real holds, repeated in the accounts of a rehearsal as far as these allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rewards.domain.lots import LotBalance
from rewards.domain.past import Held, Unheld
from rewards.domain.shadow_points import ShadowPoints

Parts = Sequence[tuple[LotBalance, int]]


class ShadowHolds:
    """The lots of open holds; ``captures`` names the hold that a posting spends."""

    def __init__(self, points: ShadowPoints, captures: Mapping[int, int]) -> None:
        self._points, self._captures = points, captures
        self._parts: dict[int, Parts] = {}

    def open(self, number: int, parts: Parts) -> None:
        """Take over a hold of before."""
        for lot, points in parts:
            lot.held += points
        self._parts[number] = parts

    def hold(self, item: Held) -> None:
        """Set points aside, as far as they are there."""
        self._parts[item.id] = self._points.hold(item.customer_id, item.wallet, item.points, item.at)

    def unhold(self, item: Unheld) -> None:
        """Give the points back to their lots."""
        self._points.unhold(item.customer_id, item.wallet, self._parts.pop(item.id, ()), item.at)

    def captured(self, posting: int) -> Parts:
        """Return what was set aside for a posting, which ends the hold."""
        return self._parts.pop(self._captures.get(posting, 0), ())

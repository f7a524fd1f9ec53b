"""Points that moved for other reasons than what rules give: spent, adjusted, given away, undone."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final, NamedTuple

from rewards.domain.past import MOVED

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Movement(IntEnum):
    """What a posting was."""

    # By the API or a referral, under the wallet's terms.
    EARNED = 0
    # The price of a reward that a rule gives; gone a minute later.
    GIFT = 1
    # By staff, or an opening balance: usable at once.
    ADDED = 2
    REMOVED = 3
    SPENT = 4
    CANCELLED = 5
    SENT = 6
    RECEIVED = 7
    # The way back of a debit, and of a credit.
    RESTORED = 8
    REVERSED = 9


class Moved(NamedTuple):
    """A posting of ``points``, never negative; ``other`` is the one it undoes or belongs to, 0 for none."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    wallet: str
    movement: Movement
    points: int
    other: int = 0


class Movements:
    """Postings of some days in time order, fifty bytes each: the ledger has no index of moments."""

    def __init__(self, found: Iterable[Moved]) -> None:
        self._moments, self._ids, self._customers = array("q"), array("q"), array("q")
        self._points, self._others = array("q"), array("q")
        self._wallets, self._movements = array("H"), array("B")
        places: dict[str, int] = {}
        for item in found:
            self._moments.append((item.at - _EPOCH) // _MICROSECOND)
            self._ids.append(item.id)
            self._customers.append(item.customer_id)
            self._points.append(item.points)
            self._others.append(item.other)
            self._wallets.append(places.setdefault(item.wallet, len(places)))
            self._movements.append(item.movement)
        self._keys = list(places)
        self.undone = frozenset(self._others) - {0}

    def between(self, since: datetime, until: datetime) -> Iterator[Moved]:
        """Yield what moved in a span."""
        first, last = (bisect_left(self._moments, (at - _EPOCH) // _MICROSECOND) for at in (since, until))
        for place in range(first, last):
            yield Moved(
                _EPOCH + self._moments[place] * _MICROSECOND,
                MOVED,
                self._ids[place],
                self._customers[place],
                self._keys[self._wallets[place]],
                Movement(self._movements[place]),
                self._points[place],
                self._others[place],
            )

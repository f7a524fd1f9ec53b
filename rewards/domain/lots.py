"""The order in which lots are consumed, as a pure model that the SQL is tested against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LotBalance:
    """What is left of one credit; ``expires_at`` ``None`` means never.

    A pending lot is usable from ``activates_at`` on, or not before it is made active. Its age counts from
    ``available_from``, which a lot keeps when it moves to another account under a new number.
    """

    id: int
    remaining: int
    expires_at: datetime | None = None
    held: int = 0
    is_pending: bool = False
    activates_at: datetime | None = None
    available_from: datetime = _EARLIEST

    @property
    def free(self) -> int:
        return self.remaining - self.held

    def is_usable(self, at: datetime) -> bool:
        is_waiting = self.is_pending and (self.activates_at is None or self.activates_at > at)
        return self.free > 0 and not is_waiting and (self.expires_at is None or self.expires_at > at)


@dataclass(frozen=True, slots=True)
class Allocation:
    """Points taken from each lot, in order, and what no lot could give."""

    taken: tuple[tuple[int, int], ...]
    missing: int


def in_spending_order(lots: Iterable[LotBalance]) -> list[LotBalance]:
    """Return lots as spending meets them: earliest expiry first, then the oldest; never-expiring last."""
    return sorted(lots, key=lambda lot: (lot.expires_at or _NEVER, lot.available_from, lot.id))


def allocate(lots: Iterable[LotBalance], points: int, at: datetime) -> Allocation:
    """Take ``points`` from usable lots in spending order."""
    taken: list[tuple[int, int]] = []
    wanted = points
    for lot in in_spending_order(lots):
        if not wanted:
            break
        if lot.is_usable(at):
            part = min(lot.free, wanted)
            taken.append((lot.id, part))
            wanted -= part
    return Allocation(tuple(taken), wanted)


def allocate_return(lots: Sequence[LotBalance], earned_lot_id: int, points: int, at: datetime) -> Allocation:
    """Take back what a lot earned: from it first (even pending or expired), then from the others in order."""
    own = next((lot for lot in lots if lot.id == earned_lot_id), None)
    first = min(own.free, points) if own else 0
    rest = allocate([lot for lot in lots if lot.id != earned_lot_id], points - first, at)
    taken = ((earned_lot_id, first), *rest.taken) if first else rest.taken
    return Allocation(taken, rest.missing)

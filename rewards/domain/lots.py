"""Lots and the order in which they are consumed, as a pure model.

The SQL of the ledger is tested against it, and a rehearsal plays with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class LotState(StrEnum):
    """What a lot is at a moment."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    USED = "used"


class _Lot(Protocol):
    """What says the state of a lot."""

    @property
    def remaining(self) -> int: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def is_pending(self) -> bool: ...
    @property
    def activates_at(self) -> datetime | None: ...


def state_at(lot: _Lot, at: datetime) -> LotState:
    """Return what a lot is at a moment, whatever the sweeps have seen."""
    if not lot.remaining:
        return LotState.USED
    if lot.expires_at is not None and lot.expires_at <= at:
        return LotState.EXPIRED
    is_due = lot.activates_at is not None and lot.activates_at <= at
    return LotState.PENDING if lot.is_pending and not is_due else LotState.ACTIVE


@dataclass(slots=True)
class LotBalance:
    """What is left of one credit; ``expires_at`` ``None`` means never.

    A pending lot is usable from ``activates_at`` on, or not before it is made active, for instance because
    what it ``awaits`` has happened. Its age counts from ``available_from``, which a lot keeps when it moves
    to another account under a new number.
    """

    id: int
    remaining: int
    expires_at: datetime | None = None
    held: int = 0
    is_pending: bool = False
    activates_at: datetime | None = None
    available_from: datetime = _EARLIEST
    awaits: str = ""

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
    return sorted(lots, key=lambda lot: (lot.expires_at or NEVER, lot.available_from, lot.id))


def shares(lots: Iterable[LotBalance], points: int, at: datetime) -> Iterator[tuple[LotBalance, int]]:
    """Yield the usable lots in spending order, each with its part of ``points``, until they are complete."""
    wanted = points
    for lot in in_spending_order(lots):
        if not wanted:
            return
        if lot.is_usable(at):
            part = min(lot.free, wanted)
            yield lot, part
            wanted -= part


def shares_of_return(
    lots: Iterable[LotBalance], own: LotBalance | None, points: int, at: datetime
) -> Iterator[tuple[LotBalance, int]]:
    """Yield what a return takes: first from its ``own`` lot (even pending or expired), then from others."""
    first = min(own.free, points) if own is not None else 0
    if own is not None and first:
        yield own, first
    yield from shares([lot for lot in lots if lot is not own], points - first, at)


def allocate(lots: Iterable[LotBalance], points: int, at: datetime) -> Allocation:
    """Take ``points`` from usable lots in spending order."""
    return _allocation(shares(lots, points, at), points)


def allocate_return(lots: Sequence[LotBalance], earned_lot_id: int, points: int, at: datetime) -> Allocation:
    """Take back what a lot earned: from it first (even pending or expired), then from the others in order."""
    own = next((lot for lot in lots if lot.id == earned_lot_id), None)
    return _allocation(shares_of_return(lots, own, points, at), points)


def _allocation(parts: Iterable[tuple[LotBalance, int]], points: int) -> Allocation:
    taken = tuple((lot.id, part) for lot, part in parts)
    return Allocation(taken, points - sum(part for _, part in taken))

"""One member's points in one wallet while a revision is played over the past: lots and debt.

What is due happens at its very instant: whoever touches an account later settles it first. Methods do
what the ledger's functions do, and stories told to both hold them together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from rewards.domain.lots import NEVER, LotBalance, shares, shares_of_return
from rewards.domain.wallets import RefundPolicy

_INSTANT: Final = timedelta(microseconds=1)


class ShadowAccount:
    """Lots with something in them, and the debt.

    An account that ``merges`` keeps lots that nobody will tell apart as one: it grows with the days on which
    points end and not with what was earned. ``next_at`` is not after the first moment something is due; of a
    frozen account nothing is.
    """

    __slots__ = ("_is_frozen", "_lots", "debt", "merges", "next_at")

    def __init__(self, *, merges: bool) -> None:
        self.merges = merges
        self._lots: dict[Any, LotBalance] = {}
        self.debt = 0
        self._is_frozen = False
        self.next_at = NEVER

    @property
    def lots(self) -> Collection[LotBalance]:
        return self._lots.values()

    def credit(self, lot: LotBalance, at: datetime) -> LotBalance | None:
        """Repay the debt, unless the points are pending, and keep the rest; ``None`` when nothing is left."""
        if self.debt and not lot.is_pending:
            repaid = min(self.debt, lot.remaining)
            self.debt -= repaid
            lot.remaining -= repaid
        return self._put_at(lot, at) if lot.remaining else None

    def add(self, points: int, expires_at: datetime | None, at: datetime) -> None:
        """Keep usable points where lots are merged and nothing is owed."""
        lot = self._lots.get(expires_at)
        if lot is None:
            self._put_at(LotBalance(0, points, expires_at), at)
        else:
            lot.remaining += points

    def debit(self, points: int, at: datetime) -> list[tuple[LotBalance, int]]:
        """Spend up to ``points`` from usable lots; return the lots with what was taken of each."""
        parts = list(shares(self._lots.values(), points, at))
        self._take(parts)
        return parts

    def hold(self, points: int, at: datetime) -> list[tuple[LotBalance, int]]:
        """Set up to ``points`` of usable lots aside; return the lots with what is held of each."""
        parts = list(shares(self._lots.values(), points, at))
        for lot, part in parts:
            lot.held += part
        return parts

    def unhold(self, parts: Iterable[tuple[LotBalance, int]]) -> None:
        """Give what was set aside back; what has ended meanwhile is swept later."""
        for lot, part in parts:
            lot.held -= part
        self._plan()

    def capture(self, parts: Iterable[tuple[LotBalance, int]]) -> None:
        """Spend what was set aside, also of lots that have ended."""
        for lot, part in parts:
            lot.held -= part
            self._take([(lot, part)])

    def cancel(self, points: int) -> int:
        """Take up to ``points`` from pending lots, the oldest first; return how many."""
        taken = 0
        for lot in [lot for lot in self._lots.values() if lot.is_pending]:
            taken += self._take([(lot, min(lot.remaining, points - taken))])
        return taken

    def receive(self, lot: LotBalance) -> None:
        """Keep points that come from another member; no debt is repaid."""
        self._put(lot)

    def restore(self, lot: LotBalance, points: int, grace_until: datetime | None, at: datetime) -> None:
        """Give a lot back what was taken of it; past its end that may be used until ``grace_until``."""
        if grace_until is not None and lot.expires_at is not None and lot.expires_at <= at:
            lot.expires_at = max(lot.expires_at, grace_until)
        if (like := self._lots.get(self._key(lot))) is not None:
            like.remaining += points
        else:
            lot.remaining = points
            self._put_at(lot, at)

    def take_back(self, own: LotBalance | None, points: int, policy: RefundPolicy, at: datetime) -> int:
        """Take back what the lot ``own`` was credited; return how much was taken, a new debt included."""
        if policy is RefundPolicy.ONLY_PENDING:
            is_pending = own is not None and own.is_pending
            return self._take([(own, min(own.free, points))]) if own is not None and is_pending else 0
        taken = self._take(shares_of_return(self._lots.values(), own, points, at))
        if policy is RefundPolicy.ALLOW_DEBT:
            self.debt += points - taken
            return points
        return taken

    def release(self, awaits: str, at: datetime) -> None:
        """Activate the lots that waited for something which has happened."""
        self._activate([lot for lot in self._lots.values() if lot.is_pending and lot.awaits == awaits], at)

    def release_lot(self, lot: LotBalance, at: datetime) -> None:
        """Activate a lot that nobody waits for any longer, if it is still there and pending."""
        if lot.is_pending and lot.remaining:
            self._activate([lot], at)

    def freeze(self) -> None:
        """Let nothing end or become usable any more."""
        self._is_frozen, self.next_at = True, NEVER

    def thaw(self, at: datetime) -> None:
        """Let what has come due meanwhile happen."""
        self._is_frozen = False
        self._activate([lot for lot in self._lots.values() if _is_due(lot, at)], at)
        self._plan()

    def close(self, at: datetime) -> int:
        """Settle at the end; return the points that expired.

        What has ended is nobody's any more, though nobody sweeps it: the account is frozen, or it is held.
        """
        expired = self.settle(at)
        ended = [lot for lot in self._lots.values() if lot.expires_at and lot.expires_at <= at]
        self._take([(lot, lot.remaining) for lot in ended])
        return expired

    def extend(self, until: datetime, at: datetime) -> None:
        """Let every lot that has not ended at a moment last at least until another one."""
        planned = self.next_at
        for lot in [lot for lot in self._lots.values() if lot.expires_at and at < lot.expires_at < until]:
            del self._lots[self._key(lot)]
            lot.expires_at = until
            self._put(lot)
        self._plan()
        # What had ended when it was credited is swept later.
        self.next_at = max(self.next_at, planned)

    def settle(self, at: datetime) -> int:
        """Activate and expire what is due by ``at``, moment by moment; return the points that expired."""
        expired = 0
        while self.next_at <= at:
            now = self.next_at
            self._activate([lot for lot in self._lots.values() if _is_due(lot, now)], now)
            ended = [lot for lot in self._lots.values() if lot.expires_at and lot.expires_at <= now]
            expired += self._take([(lot, lot.free) for lot in ended])
            self._plan()
        return expired

    def _put_at(self, lot: LotBalance, at: datetime) -> LotBalance:
        """Keep a lot of a settled account: usable if its wait is over, swept later if it has ended."""
        kept = self._put(lot)
        if _is_due(kept, at):
            self._activate([kept], at)
        if self.next_at <= at:
            self.next_at = at + _INSTANT
        return kept

    def _put(self, lot: LotBalance) -> LotBalance:
        key = self._key(lot)
        if (like := self._lots.get(key)) is not None:
            like.remaining += lot.remaining
            return like
        self._lots[key] = lot
        for moment in (lot.expires_at, lot.activates_at if lot.is_pending else None):
            if moment is not None and moment < self.next_at:
                self.next_at = moment
        return lot

    def _key(self, lot: LotBalance) -> Any:
        if not self.merges:
            return lot.id
        return (lot.expires_at, lot.activates_at, lot.awaits) if lot.is_pending else lot.expires_at

    def _take(self, parts: Iterable[tuple[LotBalance, int]]) -> int:
        total = 0
        for lot, part in list(parts):
            total += part
            lot.remaining -= part
            if not lot.remaining:
                self._lots.pop(self._key(lot), None)
        return total

    def _activate(self, lots: Collection[LotBalance], at: datetime) -> None:
        """Make pending lots usable and pay the debt from usable ones first."""
        total = sum(lot.remaining for lot in lots)
        for lot in lots:
            del self._lots[self._key(lot)]
            lot.is_pending, lot.available_from = False, min(lot.activates_at or at, at)
            self._put(lot)
        if self.debt and total:
            self.debt -= self._take(shares(self._lots.values(), min(self.debt, total), at))

    def _plan(self) -> None:
        if self._is_frozen:
            self.next_at = NEVER
            return
        # What is held does not end.
        moments = [lot.expires_at for lot in self._lots.values() if lot.expires_at is not None and lot.free]
        moments += [lot.activates_at for lot in self._lots.values() if lot.is_pending and lot.activates_at]
        self.next_at = min(moments, default=NEVER)


def _is_due(lot: LotBalance, at: datetime) -> bool:
    return lot.is_pending and lot.activates_at is not None and lot.activates_at <= at

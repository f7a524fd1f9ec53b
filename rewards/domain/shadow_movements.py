"""Real postings that no rule made, repeated in the accounts of a rehearsal as far as these allow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from rewards.domain.lots import LotBalance
from rewards.domain.movements import Moved, Movement, Movements
from rewards.domain.shadow_holds import ShadowHolds
from rewards.domain.shadow_points import ShadowPoints
from rewards.domain.wallets import CreditTerms, released_by_staff

Parts = Sequence[tuple[LotBalance, int]]
_GIFT_LASTS: Final = timedelta(minutes=1)
_CREDITS: Final = frozenset({Movement.EARNED, Movement.GIFT, Movement.ADDED})
_DEBITS: Final = frozenset({Movement.REMOVED, Movement.SPENT, Movement.SENT})
_CORRECTIONS: Final = frozenset({Movement.REMOVED, Movement.REVERSED})


class ShadowMovements:
    """Repeats ``movements``, and remembers the lots of those that are undone in these days."""

    def __init__(self, points: ShadowPoints, movements: Movements, holds: ShadowHolds) -> None:
        self._points, self._holds = points, holds
        self.between: Final = movements.between
        self.undone: Final = movements.undone
        self._parts: dict[int, Parts] = {}
        self._lots: dict[int, tuple[LotBalance | None, int]] = {}

    def open_debit(self, number: int, parts: Parts) -> None:
        """Take over from which lots a debit of before was taken."""
        self._parts[number] = parts

    def open_credit(self, number: int, lot: LotBalance | None, points: int) -> None:
        """Take over to which lot a credit of before went."""
        self._lots[number] = lot, points

    def repeat(self, item: Moved, tier: str | None) -> int:
        """Carry a posting out; return the signed points that tiers by points count."""
        movement = item.movement
        if movement in _CREDITS:
            self._credit(item, tier)
            return item.points
        if movement in _DEBITS:
            taken = self._debit(item)
        elif movement is Movement.REVERSED:
            lot, points = self._lots.pop(item.other, (None, item.points))
            taken = self._points.undo(item.customer_id, item.wallet, lot, points, item.at)
        else:
            taken = 0
            self._other(item)
        return -taken if movement in _CORRECTIONS else 0

    def _credit(self, item: Moved, tier: str | None) -> None:
        terms = self._points.terms(item.wallet, item.at, tier)
        if item.movement is Movement.GIFT:
            terms = CreditTerms(item.at + _GIFT_LASTS)
        elif item.movement is Movement.ADDED:
            terms = CreditTerms(terms.expires_at)
        lot = self._points.credit(
            item.customer_id, item.wallet, item.points, terms, earned_at=item.at, at=item.at,
            extends=item.movement is Movement.EARNED, release=released_by_staff("posting", str(item.id)),
        )  # fmt: skip
        if item.id in self.undone:
            self._lots[item.id] = lot, item.points

    def _debit(self, item: Moved) -> int:
        held = self._holds.captured(item.id)
        parts = self._points.debit(item.customer_id, item.wallet, item.points, item.at, held=held)
        if item.movement is Movement.SPENT:
            self._points.extend(item.customer_id, item.wallet, item.at)
        if item.id in self.undone:
            self._parts[item.id] = parts
        return sum(part for _lot, part in parts)

    def _other(self, item: Moved) -> None:
        if item.movement is Movement.CANCELLED:
            self._points.cancel(item.customer_id, item.wallet, item.points, item.at)
            return
        parts = self._parts.pop(item.other, ())
        if item.movement is Movement.RECEIVED:
            self._points.receive(item.customer_id, item.wallet, parts, item.at)
        else:
            self._points.restore(item.customer_id, item.wallet, parts, item.at)

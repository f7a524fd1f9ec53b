"""What the ledger's machine expects: a member's lots and debt, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from crm.models import Customer, Order
from rewards.domain.lots import Allocation, LotBalance, allocate, allocate_return
from rewards.domain.wallets import Pending, RefundPolicy

Taken = tuple[tuple[int, int], ...]


@dataclass
class Member:
    """The model's account: lots by number and what is owed."""

    customer: Customer
    lots: dict[int, LotBalance] = field(default_factory=dict)
    debt: int = 0

    def take(self, taken: Taken, sign: int = -1) -> None:
        for lot_id, part in taken:
            self.lots[lot_id] = replace(
                self.lots[lot_id], remaining=self.lots[lot_id].remaining + sign * part
            )

    def hold(self, taken: Taken, sign: int = 1) -> None:
        for lot_id, part in taken:
            self.lots[lot_id] = replace(self.lots[lot_id], held=self.lots[lot_id].held + sign * part)

    def activate(self, chosen: list[int], at: datetime) -> None:
        """Make pending lots active; as many points as became active repay the debt, in spending order."""
        total = sum(self.lots[lot_id].remaining for lot_id in chosen)
        for lot_id in chosen:
            since = min(self.lots[lot_id].activates_at or at, at)
            self.lots[lot_id] = replace(self.lots[lot_id], is_pending=False, available_from=since)
        active = [lot for lot in self.lots.values() if not lot.is_pending]
        repaid = allocate(active, min(self.debt, total), at)
        self.take(repaid.taken)
        self.debt -= sum(part for _, part in repaid.taken)

    def activate_due(self, at: datetime) -> None:
        due = [lot for lot in self.lots.values() if lot.is_pending and lot.remaining and lot.activates_at]
        self.activate([lot.id for lot in due if lot.activates_at and lot.activates_at <= at], at)

    def give_back(self, lot_id: int | None, points: int, policy: RefundPolicy, at: datetime) -> int:
        """Take back what a lot earned, by the policy; returns the points that nobody could give.

        What is due activates first, as whenever an account is touched.
        """
        self.activate_due(at)
        own = self.lots.get(lot_id or 0)
        expected = allocate_return(list(self.lots.values()), lot_id or 0, points, at)
        if policy is RefundPolicy.ONLY_PENDING:
            part = min(own.free, points) if own and own.is_pending else 0
            expected = Allocation(((own.id, part),) if own and part else (), points - part)
        debt = expected.missing if policy is RefundPolicy.ALLOW_DEBT else 0
        self.take(expected.taken)
        self.debt += debt
        return expected.missing - debt


@dataclass
class Bought:
    """An order that earned: to whose account, in which lot, and what of its lines can still come back."""

    order: Order
    earner: Member
    lot_id: int | None
    points_a_unit: dict[int, int]
    units: dict[int, int]


class Published(NamedTuple):
    """What orders earn, and how long that waits, from a moment on."""

    at: datetime
    revision_id: int
    points_per_unit: int
    pending: Pending

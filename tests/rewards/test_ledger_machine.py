"""The ledger against a pure model of lots, driven by hypothesis. LEDGER_MACHINE_EXAMPLES lengthens it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rewards.domain.lots import LotBalance, allocate, allocate_return
from rewards.models import Account, LedgerTransaction, Lot, TransactionKind
from rewards.services import expiries, holds, ledger, verification
from rewards.services.errors import InsufficientPoints
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("LEDGER_MACHINE_EXAMPLES", "12"))
STEPS = int(os.environ.get("LEDGER_MACHINE_STEPS", "20"))
DAY = timedelta(days=1)
POINTS = st.integers(1, 60)


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        from rewards.models import Wallet

        self.wallet = Wallet.objects.first() or make_wallet()
        self.customer = make_customer()
        self.at: datetime = NOW
        self.lots: dict[int, LotBalance] = {}
        self.earns: list[tuple[int, int, int]] = []
        self.spends: list[tuple[int, tuple[tuple[int, int], ...]]] = []
        self.holds: list[tuple[Any, tuple[tuple[int, int], ...]]] = []
        self.number = 0

    def source(self) -> Source:
        self.number += 1
        return Source("machine", f"{self.customer.pk}:{self.number}")

    def take(self, taken: tuple[tuple[int, int], ...], sign: int = -1) -> None:
        for lot_id, part in taken:
            lot = self.lots[lot_id]
            self.lots[lot_id] = replace(lot, remaining=lot.remaining + sign * part)

    def hold(self, taken: tuple[tuple[int, int], ...], sign: int = 1) -> None:
        for lot_id, part in taken:
            self.lots[lot_id] = replace(self.lots[lot_id], held=self.lots[lot_id].held + sign * part)

    @rule(points=POINTS, days=st.none() | st.integers(1, 6))
    def earn(self, points: int, days: int | None) -> None:
        expires = None if days is None else self.at + days * DAY
        posting = post(
            self.customer,
            self.wallet,
            points,
            source=self.source(),
            at=self.at,
            occurred_at=self.at,
            expires_at=expires,
        )
        lot_id = Lot.objects.latest("id").pk
        self.lots[lot_id] = LotBalance(lot_id, points, expires)
        self.earns.append((posting.transaction_id or 0, lot_id, points))

    @rule(points=POINTS)
    def spend(self, points: int) -> None:
        expected = allocate(self.lots.values(), points, self.at)
        try:
            posting = post(
                self.customer, self.wallet, -points, source=self.source(), at=self.at, occurred_at=self.at
            )
        except InsufficientPoints as refusal:
            assert refusal.extra["missing"] == expected.missing > 0  # noqa: PT017 - either may be right
            return
        assert expected.missing == 0
        self.take(expected.taken)
        self.spends.append((posting.transaction_id or 0, expected.taken))

    @precondition(lambda self: self.spends)
    @rule(data=st.data())
    def restore(self, data: Any) -> None:
        transaction_id, taken = self.spends.pop(data.draw(st.integers(0, len(self.spends) - 1)))
        debit = LedgerTransaction.objects.get(pk=transaction_id)
        assert ledger.reverse(transaction=debit, source=self.source(), by=SYSTEM, at=self.at).is_new
        assert not ledger.reverse(transaction=debit, source=self.source(), by=SYSTEM, at=self.at).is_new
        self.take(taken, sign=1)

    @precondition(lambda self: self.earns)
    @rule(data=st.data())
    def take_back(self, data: Any) -> None:
        transaction_id, lot_id, points = self.earns.pop(data.draw(st.integers(0, len(self.earns) - 1)))
        expected = allocate_return(list(self.lots.values()), lot_id, points, self.at)
        earn = LedgerTransaction.objects.get(pk=transaction_id)
        posting = ledger.reverse(transaction=earn, source=self.source(), by=SYSTEM, at=self.at)
        assert (posting.points, posting.missing) == (expected.missing - points, expected.missing)
        self.take(expected.taken)

    @rule(points=POINTS)
    def open_hold(self, points: int) -> None:
        expected = allocate(self.lots.values(), points, self.at)
        options = {"customer_id": self.customer.pk, "wallet_id": self.wallet.pk, "points": points}
        try:
            hold = holds.open_hold(**options, source=self.source(), at=self.at)
        except InsufficientPoints as refusal:
            assert refusal.extra["missing"] == expected.missing > 0  # noqa: PT017 - either may be right
            return
        self.hold(expected.taken)
        self.holds.append((hold, expected.taken))

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), is_captured=st.booleans())
    def close_hold(self, data: Any, is_captured: bool) -> None:
        hold, taken = self.holds.pop(data.draw(st.integers(0, len(self.holds) - 1)))
        self.hold(taken, sign=-1)
        if is_captured:
            kind = TransactionKind.REDEEM
            posting = holds.capture(hold=hold, kind=kind, source=self.source(), by=SYSTEM, at=self.at)
            self.take(taken)
            self.spends.append((posting.transaction_id or 0, taken))
        else:
            holds.release(hold=hold, at=self.at)

    @rule(days=st.integers(1, 4))
    def pass_time(self, days: int) -> None:
        self.at += days * DAY

    @rule()
    def expire(self) -> None:
        due = [lot for lot in self.lots.values() if lot.expires_at and lot.expires_at <= self.at]
        assert expiries.expire_batch(at=self.at).points == sum(lot.free for lot in due)
        for lot in due:
            self.lots[lot.id] = replace(lot, remaining=lot.held)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "lots"):
            return
        rows = Lot.objects.filter(account__customer=self.customer).values_list("id", "remaining", "held")
        assert {row[0]: row[1:] for row in rows} == {
            lot.id: (lot.remaining, lot.held) for lot in self.lots.values()
        }
        account = Account.objects.filter(customer=self.customer).first()
        free, held = sum(lot.free for lot in self.lots.values()), sum(lot.held for lot in self.lots.values())
        assert ((account.available, account.held) if account else (0, 0)) == (free, held)

    def teardown(self) -> None:
        if hasattr(self, "lots"):
            assert verification.verify_ledger(by=SYSTEM, at=self.at).findings == ()
            # Lots left due would count in the next example's expiry.
            expiries.expire_batch(at=self.at + 10_000 * DAY)
            for hold, _taken in self.holds:
                holds.release(hold=hold, at=self.at)
            expiries.expire_batch(at=self.at + 10_000 * DAY)


def test_the_ledger_never_diverges_from_the_model(scope: Any) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

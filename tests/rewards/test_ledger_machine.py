"""The ledger against a pure model of lots, driven by hypothesis. LEDGER_MACHINE_EXAMPLES lengthens it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
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

from rewards.domain.lots import Allocation, LotBalance, allocate
from rewards.domain.wallets import Pending, RefundPolicy
from rewards.models import (
    Account,
    DecisionRecord,
    Hold,
    LedgerTransaction,
    Lot,
    TransactionKind,
)
from rewards.services import earning, expiries, holds, ledger, lots, mergers, programs, verification
from rewards.services.errors import HoldClosed, InsufficientPoints, LotNotPending
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.scope import active_tenant
from tests.rewards.factories import NOW, make_customer, make_order, make_return, make_wallet, post
from tests.rewards.ledger_model import Bought, Member, Published, Taken

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("LEDGER_MACHINE_EXAMPLES", "10"))
STEPS = int(os.environ.get("LEDGER_MACHINE_STEPS", "20"))
DAY = timedelta(days=1)
POINTS = st.integers(1, 60)


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        # Rolled back in the end: no example meets the lots of another, nor pays for them.
        self.savepoint = transaction.savepoint()
        self.wallet, self.zone = make_wallet(), active_tenant().zone
        self.survivor, self.other = Member(make_customer()), Member(make_customer())
        self.at: datetime = NOW
        self.earns: list[tuple[Member, int, int | None, int]] = []
        self.spends: list[tuple[int, Taken]] = []
        self.holds: list[tuple[Hold, Taken]] = []
        self.is_merged = False
        self.origin: dict[int, int] = {}
        self.debt_moved = 0
        self.number = 0
        self.published: list[Published] = []
        self.bought: list[Bought] = []

    def source(self) -> Source:
        self.number += 1
        return Source("machine", f"{self.survivor.customer.pk}:{self.number}")

    def heir(self, member: Member) -> Member:
        """The member whose account a posting for ``member`` reaches."""
        return self.survivor if self.is_merged else member

    def owner(self, lot_id: int) -> Member:
        return self.survivor if lot_id in self.survivor.lots else self.other

    def member(self, is_other: bool) -> Member:
        return self.other if is_other else self.survivor

    def move(self, taken: Taken, sign: int = -1) -> None:
        for lot_id, part in taken:
            self.owner(lot_id).take(((lot_id, part),), sign)

    def forward(self) -> None:
        """Send on what the absorbed account has got back; its debt goes along."""
        if not self.is_merged:
            return
        for lot in [lot for lot in self.other.lots.values() if lot.free]:
            new_id = Lot.objects.values_list("moved_to_id", flat=True).get(pk=lot.id)
            assert new_id is not None
            self.origin[new_id] = lot.id
            self.survivor.lots[new_id] = replace(lot, id=new_id, remaining=lot.free, held=0)
            self.other.take(((lot.id, lot.free),))
        self.survivor.debt += self.other.debt
        self.debt_moved += self.other.debt
        self.other.debt = 0

    @rule(
        points=POINTS,
        days=st.none() | st.integers(1, 6),
        wait=st.none() | st.integers(0, 4),
        is_other=st.booleans(),
    )
    def earn(self, points: int, days: int | None, wait: int | None, is_other: bool) -> None:
        member, expires = self.member(is_other), None if days is None else self.at + days * DAY
        activates = self.at + wait * DAY if wait else None
        awaits = "manual" if wait == 0 else None
        posting = post(
            member.customer, self.wallet, points, source=self.source(), at=self.at, occurred_at=self.at,
            expires_at=expires, activates_at=activates, awaits=awaits,
        )  # fmt: skip
        heir = self.heir(member)
        lot_id = self.credit(heir, points, expires, activates, is_pending=wait is not None)
        # Posted to the heir's account: what came while merged stays there after the merge is undone.
        self.earns.append((heir, posting.transaction_id or 0, lot_id, points))

    def credit(
        self,
        member: Member,
        points: int,
        expires: datetime | None,
        activates: datetime | None,
        *,
        is_pending: bool,
        earned_at: datetime | None = None,
    ) -> int | None:
        """Expect a credit, which repays the debt first; returns its lot, if anything is left for one."""
        repaid = 0 if is_pending else min(member.debt, points)
        member.debt -= repaid
        if points == repaid:
            return None
        lot_id = int(Lot.objects.latest("id").pk)
        member.lots[lot_id] = LotBalance(
            lot_id,
            points - repaid,
            expires,
            is_pending=is_pending,
            activates_at=activates,
            available_from=activates or earned_at or self.at,
        )
        return lot_id

    @rule(points=POINTS, is_other=st.booleans())
    def spend(self, points: int, is_other: bool) -> None:
        member = self.member(is_other)
        heir = self.heir(member)
        expected = self.expected(heir, points)
        try:
            posting = post(
                member.customer, self.wallet, -points, source=self.source(), at=self.at, occurred_at=self.at
            )
        except InsufficientPoints as refusal:
            assert refusal.extra["missing"] == expected.missing > 0  # noqa: PT017 - either may be right
            return
        assert expected.missing == 0
        heir.take(expected.taken)
        self.spends.append((posting.transaction_id or 0, expected.taken))

    def expected(self, member: Member, points: int) -> Allocation:
        member.activate_due(self.at)
        return allocate(member.lots.values(), points, self.at)

    @precondition(lambda self: self.spends)
    @rule(data=st.data())
    def restore(self, data: Any) -> None:
        transaction_id, taken = self.spends.pop(data.draw(st.integers(0, len(self.spends) - 1)))
        debit = LedgerTransaction.objects.get(pk=transaction_id)
        assert ledger.reverse(transaction=debit, source=self.source(), by=SYSTEM, at=self.at).is_new
        assert not ledger.reverse(transaction=debit, source=self.source(), by=SYSTEM, at=self.at).is_new
        self.move(taken, sign=1)
        if any(lot_id in self.other.lots for lot_id, _ in taken):
            self.forward()

    @precondition(lambda self: self.earns)
    @rule(data=st.data(), policy=st.sampled_from(RefundPolicy))
    def take_back(self, data: Any, policy: RefundPolicy) -> None:
        member, transaction_id, lot_id, points = self.earns.pop(
            data.draw(st.integers(0, len(self.earns) - 1))
        )
        missing = self.heir(member).give_back(self.lot_now(lot_id), points, policy, self.at)
        earn = LedgerTransaction.objects.get(pk=transaction_id)
        options: dict[str, Any] = {"source": self.source(), "by": SYSTEM, "at": self.at, "policy": policy}
        posting = ledger.reverse(transaction=earn, **options)
        assert (posting.points, posting.missing) == (missing - points, missing)

    def lot_now(self, lot_id: int | None) -> int | None:
        """Where a lot's points are after merges."""
        while lot_id is not None and (moved := Lot.objects.get(pk=lot_id).moved_to_id):
            lot_id = moved
        return lot_id

    @rule(
        points=st.integers(1, 3),
        policy=st.sampled_from(RefundPolicy),
        days=st.integers(0, 2),
    )
    def publish(self, points: int, policy: RefundPolicy, days: int) -> None:
        """From now on orders earn otherwise, wait otherwise, and returns take back otherwise."""
        document = {
            "wallets": [{"key": "points", "name": "Points", "refund_policy": policy,
                         "pending": {"days": days}}],
            "rules": [{"key": "buy", "name": "Buy", "effects": [
                {"type": "points", "wallet": "points", "points": points, "per_minor": 100}]}],
        }  # fmt: skip
        draft = programs.save_draft(document=document, by=SYSTEM, at=self.at)
        revision = programs.publish(revision=draft, by=SYSTEM, at=self.at)
        self.published.append(Published(self.at, revision.pk, points, Pending(days)))
        self.refund_policy = policy

    def in_force(self, at: datetime) -> Published:
        """The revision of a moment; before the first one it is that of today."""
        return max((each for each in self.published if each.at <= at), default=self.published[-1])

    @precondition(lambda self: self.published)
    @rule(
        units=st.integers(1, 3),
        prices=st.tuples(st.integers(1, 9), st.integers(1, 9)),
        is_other=st.booleans(),
        late=st.integers(0, 5),
    )
    def buy(self, units: int, prices: tuple[int, int], is_other: bool, late: int) -> None:
        """An order is told, some days late perhaps: it earns and waits as it would have on its day."""
        member, placed_at = self.member(is_other), self.at - late * DAY
        order = make_order(
            member.customer, [("A", units, units * prices[0] * 100), ("B", 1, prices[1] * 100)], placed_at
        )
        terms = self.in_force(placed_at)
        for expected in (1, 0):
            assert earning.award_orders([order.pk], by=SYSTEM, at=self.at) == expected
        earn = LedgerTransaction.objects.get(source_type="order", source_id=f"{order.pk}:points")
        a_unit = {1: prices[0] * terms.points_per_unit, 2: prices[1] * terms.points_per_unit}
        earned = units * a_unit[1] + a_unit[2]
        assert (earn.points, earn.revision_id) == (earned, terms.revision_id)
        heir = self.heir(member)
        activates = terms.pending.activates_at(placed_at, self.zone)
        is_pending = activates is not None and activates > self.at
        lot_id = self.credit(heir, earned, None, activates, is_pending=is_pending, earned_at=placed_at)
        self.bought.append(Bought(order, heir, lot_id, a_unit, {1: units, 2: 1}))

    @precondition(lambda self: any(each.units for each in self.bought))
    @rule(data=st.data())
    def refund_line(self, data: Any) -> None:
        """One unit of a line comes back: exactly what it earned goes, by the policy of today."""
        bought = data.draw(st.sampled_from([each for each in self.bought if each.units]))
        position = data.draw(st.sampled_from(sorted(bought.units)))
        bought.units[position] -= 1
        if not bought.units[position]:
            del bought.units[position]
        points = bought.points_a_unit[position]
        lot_id = self.lot_now(bought.lot_id)
        missing = self.heir(bought.earner).give_back(lot_id, points, self.refund_policy, self.at)
        document = make_return(bought.order, {position: 1}, self.at)
        for expected in (1, 0):
            assert earning.take_back_returns([document.pk], by=SYSTEM, at=self.at) == expected
        decision = DecisionRecord.objects.get(event_type="return", event_id=document.pk)
        assert decision.points == missing - points

    @rule(points=POINTS, is_other=st.booleans(), days=st.none() | st.integers(1, 4))
    def open_hold(self, points: int, is_other: bool, days: int | None) -> None:
        member = self.member(is_other)
        heir = self.heir(member)
        expected = self.expected(heir, points)
        options: dict[str, Any] = {
            "customer_id": member.customer.pk, "wallet_id": self.wallet.pk, "points": points,
            "expires_at": None if days is None else self.at + days * DAY,
        }  # fmt: skip
        try:
            hold = holds.open_hold(**options, source=self.source(), at=self.at)
        except InsufficientPoints as refusal:
            assert refusal.extra["missing"] == expected.missing > 0  # noqa: PT017 - either may be right
            return
        heir.hold(expected.taken)
        self.holds.append((hold, expected.taken))

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), is_captured=st.booleans())
    def close_hold(self, data: Any, is_captured: bool) -> None:
        hold, taken = self.holds.pop(data.draw(st.integers(0, len(self.holds) - 1)))
        self.unhold(taken)
        if is_captured and hold.expires_at and hold.expires_at <= self.at:
            with pytest.raises(HoldClosed):
                holds.capture(
                    hold=hold, kind=TransactionKind.REDEEM, source=self.source(), by=SYSTEM, at=self.at
                )
            is_captured = False
        if is_captured:
            kind = TransactionKind.REDEEM
            posting = holds.capture(hold=hold, kind=kind, source=self.source(), by=SYSTEM, at=self.at)
            self.move(taken)
            self.spends.append((posting.transaction_id or 0, taken))
        else:
            holds.release(hold=hold, at=self.at)
            if taken[0][0] in self.other.lots:
                self.forward()

    def unhold(self, taken: Taken) -> None:
        for lot_id, part in taken:
            self.owner(lot_id).hold(((lot_id, part),), sign=-1)

    @rule()
    def time_out(self) -> None:
        """The sweep ends the holds whose time is over, and no others; once."""
        over = [each for each in self.holds if each[0].expires_at and each[0].expires_at <= self.at]
        assert [holds.time_out(at=self.at) for _ in range(2)] == [len(over), 0]
        self.holds = [each for each in self.holds if each not in over]
        for _hold, taken in over:
            self.unhold(taken)
        if any(taken[0][0] in self.other.lots for _hold, taken in over):
            self.forward()

    @rule()
    def activate(self) -> None:
        while lots.activate_batch(at=self.at):
            pass
        for member in (self.survivor, self.other):
            member.activate_due(self.at)

    @precondition(lambda self: any(lot.is_pending for lot in self.survivor.lots.values()))
    @rule(data=st.data(), is_cancelled=st.booleans())
    def decide_pending(self, data: Any, is_cancelled: bool) -> None:
        pending = sorted(lot.id for lot in self.survivor.lots.values() if lot.is_pending)
        lot_id = data.draw(st.sampled_from(pending))
        row, is_open = Lot.objects.get(pk=lot_id), self.survivor.lots[lot_id].remaining > 0
        try:
            if is_cancelled:
                lots.cancel(lot=row, by=SYSTEM, at=self.at, reason="test")
            else:
                lots.release(lot=row, by=SYSTEM, at=self.at)
        except LotNotPending:
            assert not is_open
            return
        if is_cancelled:
            self.survivor.take(((lot_id, self.survivor.lots[lot_id].remaining),))
        else:
            self.survivor.activate([lot_id], self.at)

    @precondition(lambda self: not self.is_merged)
    @rule(points=POINTS)
    def transfer(self, points: int) -> None:
        expected = self.expected(self.survivor, points)
        before = Lot.objects.latest("id").pk if Lot.objects.exists() else 0
        source = self.source()
        try:
            ledger.call(
                "rewards_transfer", self.survivor.customer.pk, self.other.customer.pk, self.wallet.pk, points,
                source.type, source.id, self.at, "system", "system", "",
            )  # fmt: skip
        except InsufficientPoints as refusal:
            assert refusal.extra["missing"] == expected.missing > 0  # noqa: PT017 - either may be right
            return
        arrived = Lot.objects.filter(pk__gt=before).order_by("pk").values_list("pk", flat=True)
        for new_id, (lot_id, part) in zip(arrived, expected.taken, strict=True):
            self.other.lots[new_id] = replace(self.survivor.lots[lot_id], id=new_id, remaining=part, held=0)
        self.survivor.take(expected.taken)

    @precondition(lambda self: not self.is_merged)
    @rule()
    def merge(self) -> None:
        ids = {"survivor_id": self.survivor.customer.pk, "absorbed_id": self.other.customer.pk}
        mergers.merge(**ids, by=SYSTEM, at=self.at)
        if Account.objects.filter(customer=self.other.customer).exists():
            self.is_merged = True
            self.forward()

    @precondition(lambda self: self.is_merged)
    @rule()
    def unmerge(self) -> None:
        ids = {"survivor_id": self.survivor.customer.pk, "absorbed_id": self.other.customer.pk}
        mergers.unmerge(**ids, by=SYSTEM, at=self.at)
        self.is_merged = False
        for lot in [lot for lot in self.survivor.lots.values() if lot.free and lot.id in self.origin]:
            old = self.other.lots[self.origin[lot.id]]
            self.other.lots[old.id] = replace(
                old, remaining=old.remaining + lot.free, is_pending=lot.is_pending
            )
            self.survivor.take(((lot.id, lot.free),))
        back = min(self.survivor.debt, self.debt_moved)
        self.survivor.debt -= back
        self.other.debt += back
        self.debt_moved -= back

    @rule(days=st.integers(1, 4))
    def pass_time(self, days: int) -> None:
        self.at += days * DAY

    @rule()
    def expire(self) -> None:
        everything = [*self.survivor.lots.values(), *self.other.lots.values()]
        due = [lot for lot in everything if lot.expires_at and lot.expires_at <= self.at]
        assert expiries.expire_batch(at=self.at).points == sum(lot.free for lot in due)
        for lot in due:
            self.owner(lot.id).lots[lot.id] = replace(lot, remaining=lot.held)

    @invariant()
    def agrees(self) -> None:
        for member in (self.survivor, self.other) if hasattr(self, "survivor") else ():
            rows = Lot.objects.filter(account__customer=member.customer)
            assert {row[0]: row[1:] for row in rows.values_list("id", "remaining", "held")} == {
                lot.id: (lot.remaining, lot.held) for lot in member.lots.values()
            }
            account = Account.objects.filter(customer=member.customer).first()
            pending = sum(lot.remaining for lot in member.lots.values() if lot.is_pending)
            free = sum(lot.free for lot in member.lots.values() if not lot.is_pending)
            held = sum(lot.held for lot in member.lots.values())
            found = (
                (account.pending, account.available, account.held, account.debt) if account else (0, 0, 0, 0)
            )
            assert found == (pending, free, held, member.debt)

    def teardown(self) -> None:
        if hasattr(self, "survivor"):
            assert verification.verify_ledger(by=SYSTEM, at=self.at).findings == ()
            transaction.savepoint_rollback(self.savepoint)


def test_the_ledger_never_diverges_from_the_model(scope: Any) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )

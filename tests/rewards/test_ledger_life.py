"""A lot's whole life: pending, activated, cancelled, owed, given away, merged and separated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer
from crm.services import merges
from rewards.domain.wallets import RefundPolicy
from rewards.models import Account, LedgerEntry, LedgerTransaction, Lot, TransactionKind, Wallet
from rewards.queries import balances
from rewards.services import expiries, holds, ledger, lots, mergers, verification
from rewards.services.errors import AccountFrozen, InsufficientPoints, LotNotPending, NotReversible
from rewards.services.ledger import Credit, Posting, Source
from tenants.domain.actors import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, lots_of, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def wallet(tenant: Tenant, other_tenant: Tenant) -> Any:
    """A wallet of ``tenant`` in its scope; in the end its books are proved, the other tenant's untouched."""
    with tenant_scope(other_tenant):
        post(make_customer(), make_wallet(), 777, activates_at=NOW + DAY)
    with tenant_scope(tenant):
        yield make_wallet()
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
    with tenant_scope(other_tenant):
        assert (Account.objects.get().pending, Account.objects.get().available) == (777, 0)


def account_of(customer: Customer) -> tuple[int, int, int, int]:
    account = Account.objects.get(customer=customer)
    return account.pending, account.available, account.held, account.debt


def take_back(posting: Posting, policy: RefundPolicy, **options: Any) -> Posting:
    earn = LedgerTransaction.objects.get(pk=posting.transaction_id)
    source = Source("undo", str(posting.transaction_id))
    return ledger.reverse(transaction=earn, source=source, by=SYSTEM, at=NOW, policy=policy, **options)


def test_pending_points_count_from_their_date_even_when_the_sweep_is_late(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 50, activates_at=NOW + DAY, expires_at=NOW + 9 * DAY)
    post(customer, wallet, 10)
    with pytest.raises(InsufficientPoints) as refusal:
        post(customer, wallet, -20)
    assert refusal.value.extra == {"missing": 10}
    assert account_of(customer) == (50, 10, 0, 0)
    found = balances.of_customers([customer.pk], at=NOW)[customer.pk][0]
    assert (found.pending, found.available, found.active) == (50, 10, 10)
    late = balances.of_customers([customer.pk], at=NOW + DAY)[customer.pk][0]
    assert (late.pending, late.available) == (0, 60)
    # Earliest expiry first: the lot that has only just become usable.
    assert post(customer, wallet, -20, at=NOW + DAY).available == 40
    assert (account_of(customer), lots_of(customer)) == ((0, 40, 0, 0), [(30, 0), (10, 0)])
    assert lots.activate_batch(at=NOW + DAY) == 0


def test_the_sweep_activates_what_is_due_and_nothing_else(wallet: Wallet) -> None:
    first, second = make_customer(), make_customer()
    post(first, wallet, 5, activates_at=NOW + DAY)
    post(first, wallet, 6, activates_at=NOW + 2 * DAY)
    post(second, wallet, 7, awaits="manual")
    assert lots.activate_batch(at=NOW + DAY) == 1
    assert (account_of(first), account_of(second)) == ((6, 5, 0, 0), (7, 0, 0, 0))
    assert Account.objects.get(customer=first).next_activation_at == NOW + 2 * DAY


def test_a_batch_posts_pending_credits_in_order(wallet: Wallet) -> None:
    customer = make_customer()
    batch = [
        Credit(customer.pk, 10, "a", NOW, None),
        Credit(customer.pk, 20, "b", NOW, None, NOW + DAY),
        Credit(customer.pk, 30, "c", NOW, None, None, "order_delivered:order:1"),
        Credit(customer.pk, 40, "d", NOW - 9 * DAY, None, NOW - DAY),
    ]
    options: dict[str, Any] = {
        "wallet_id": wallet.pk, "kind": TransactionKind.EARN, "source_type": "test", "by": SYSTEM, "at": NOW,
    }  # fmt: skip
    assert ledger.post_batch(credits=batch, **options).posted == 4
    assert account_of(customer) == (50, 50, 0, 0)
    assert lots.release_awaiting(keys=["order_delivered:order:1", "manual"], at=NOW) == 30
    assert lots.release_awaiting(keys=["order_delivered:order:1"], at=NOW) == 0
    assert account_of(customer) == (20, 80, 0, 0)


def test_staff_release_and_cancel_pending_lots_once(wallet: Wallet) -> None:
    customer = make_customer()
    for points in (5, 6):
        post(customer, wallet, points, awaits="manual")
    first, second = Lot.objects.order_by("pk")
    assert lots.release(lot=first, by=SYSTEM, at=NOW, reason="Invoice paid") == 5
    with pytest.raises(LotNotPending):
        lots.release(lot=first, by=SYSTEM, at=NOW)
    cancelled = lots.cancel(lot=second, by=SYSTEM, at=NOW, reason="Fraud")
    assert (cancelled.points, lots.cancel(lot=second, by=SYSTEM, at=NOW, reason="Fraud").is_new) == (
        -6,
        False,
    )
    with pytest.raises(LotNotPending):
        lots.cancel(lot=first, by=SYSTEM, at=NOW, reason="Fraud")
    assert account_of(customer) == (0, 5, 0, 0)
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"points.released", "points.cancelled"}


@pytest.mark.parametrize(
    ("policy", "points", "missing", "account"),
    [
        (RefundPolicy.ONLY_PENDING, 0, 50, (0, 30, 0, 0)),
        (RefundPolicy.WITHIN_BALANCE, -30, 20, (0, 0, 0, 0)),
        (RefundPolicy.ALLOW_DEBT, -50, 0, (0, 0, 0, 20)),
    ],
)
def test_what_a_return_takes_of_spent_points_is_the_wallets_policy(
    wallet: Wallet, policy: RefundPolicy, points: int, missing: int, account: tuple[int, ...]
) -> None:
    customer = make_customer()
    credit = post(customer, wallet, 50)
    post(customer, wallet, -20)
    taken = take_back(credit, policy)
    assert (taken.points, taken.missing, account_of(customer)) == (points, missing, account)


def test_only_pending_points_are_taken_where_the_policy_says_so(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 10)
    credit = post(customer, wallet, 50, awaits="manual")
    taken = take_back(credit, RefundPolicy.ONLY_PENDING)
    assert (taken.points, taken.missing, account_of(customer)) == (-50, 0, (0, 10, 0, 0))


def test_a_debt_is_repaid_by_the_next_earns_first(wallet: Wallet) -> None:
    customer = make_customer()
    credit = post(customer, wallet, 50)
    post(customer, wallet, -50)
    take_back(credit, RefundPolicy.ALLOW_DEBT)
    assert account_of(customer) == (0, 0, 0, 50)
    post(customer, wallet, 20)
    assert account_of(customer) == (0, 0, 0, 30)
    batch = [Credit(customer.pk, 45, "a", NOW, None)]
    ledger.post_batch(
        wallet_id=wallet.pk, kind=TransactionKind.EARN, source_type="test", credits=batch, by=SYSTEM, at=NOW
    )
    assert (account_of(customer), lots_of(customer)) == ((0, 15, 0, 0), [(0, 0), (15, 0)])
    last = LedgerEntry.objects.filter(account__customer=customer).order_by("seq").last()
    assert last
    assert last.balance_after == 15


def test_pending_points_repay_a_debt_when_they_become_active(wallet: Wallet) -> None:
    customer = make_customer()
    credit = post(customer, wallet, 50)
    post(customer, wallet, -50)
    post(customer, wallet, 80, activates_at=NOW + DAY)
    take_back(credit, RefundPolicy.ALLOW_DEBT)
    assert account_of(customer) == (80, 0, 0, 50)
    assert lots.activate_batch(at=NOW + DAY) == 1
    assert account_of(customer) == (0, 30, 0, 0)
    assert LedgerTransaction.objects.get(kind="repay").points == 0


def test_points_that_come_back_after_their_expiry_live_on_for_the_grace(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 30, expires_at=NOW + DAY)
    spent = post(customer, wallet, -20)
    debit = LedgerTransaction.objects.get(pk=spent.transaction_id)
    later = NOW + 3 * DAY
    options: dict[str, Any] = {"by": SYSTEM, "at": later, "grace_until": later + 7 * DAY}
    restored = ledger.reverse(transaction=debit, source=Source("undo", "1"), **options)
    assert Lot.objects.get().expires_at == later + 7 * DAY
    transaction = LedgerTransaction.objects.get(pk=restored.transaction_id)
    with pytest.raises(NotReversible):
        ledger.reverse(transaction=transaction, source=Source("undo", "2"), **options)


def test_pending_points_expire_too(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 30, awaits="order_delivered:order:9", expires_at=NOW + DAY)
    assert expiries.expire_batch(at=NOW + DAY).points == 30
    assert account_of(customer) == (0, 0, 0, 0)


def test_a_transfer_keeps_the_expiry_of_every_part(wallet: Wallet) -> None:
    sender, receiver = make_customer(), make_customer()
    post(sender, wallet, 30, expires_at=NOW + DAY)
    post(sender, wallet, 30)

    def transfer(points: int, key: str) -> Posting:
        return ledger.call(
            "rewards_transfer",
            sender.pk,
            receiver.pk,
            wallet.pk,
            points,
            "transfer",
            key,
            NOW,
            "system",
            "system",
            "",
        )

    assert transfer(40, "a").available == 20
    assert not transfer(40, "a").is_new
    with pytest.raises(InsufficientPoints) as refusal:
        transfer(21, "b")
    assert refusal.value.extra == {"missing": 1}
    received = (
        Lot.objects.filter(account__customer=receiver).order_by("pk").values_list("remaining", "expires_at")
    )
    assert list(received) == [(30, NOW + DAY), (10, None)]
    assert (balance_of(sender), balance_of(receiver)) == ((20, 0), (40, 0))
    Account.objects.filter(customer=receiver).update(frozen_at=NOW)
    with pytest.raises(AccountFrozen):
        transfer(1, "c")
    Account.objects.filter(customer=receiver).update(frozen_at=None)


def merged_pair(wallet: Wallet) -> tuple[Customer, Customer, Posting]:
    """A survivor with 10 points and an absorbed customer with four lots, a hold and a debt."""
    survivor, absorbed = make_customer(), make_customer()
    post(survivor, wallet, 10)
    owed = post(absorbed, wallet, 7)
    post(absorbed, wallet, -7)
    take_back(owed, RefundPolicy.ALLOW_DEBT)
    earned = [
        Credit(absorbed.pk, 20, f"{absorbed.pk}a", NOW, NOW + DAY, NOW + 2 * DAY),
        Credit(absorbed.pk, 30, f"{absorbed.pk}b", NOW, NOW + 5 * DAY),
    ]
    for credit in earned:
        posting = post(
            absorbed, wallet, credit.points, expires_at=credit.expires_at, activates_at=credit.activates_at
        )
    return survivor, absorbed, posting


def test_a_merge_moves_lots_debt_and_expiry_and_unmerge_puts_them_back(wallet: Wallet) -> None:
    survivor, absorbed, _earned = merged_pair(wallet)
    before = list(Lot.objects.filter(account__customer=absorbed).order_by("pk").values())
    state = account_of(absorbed)
    assert state == (20, 23, 0, 0)
    merge = merges.merge(survivor=survivor, absorbed=absorbed, by=SYSTEM, at=NOW)
    assert (account_of(survivor), account_of(absorbed)) == ((20, 33, 0, 0), (0, 0, 0, 0))
    arrived = Lot.objects.filter(account__customer=survivor, is_open=True).order_by("pk")
    assert list(arrived.values_list("remaining", "expires_at", "is_pending")) == [
        (10, None, False), (20, NOW + DAY, True), (23, NOW + 5 * DAY, False),
    ]  # fmt: skip
    assert absorbed.pk not in balances.of_customers([absorbed.pk], at=NOW)
    merges.unmerge(merge=merge, by=SYSTEM, at=NOW)
    assert list(Lot.objects.filter(account__customer=absorbed).order_by("pk").values()) == before
    assert (account_of(survivor), account_of(absorbed)) == ((0, 10, 0, 0), state)


def test_after_a_merge_everything_reaches_the_survivor(wallet: Wallet) -> None:
    survivor, absorbed, earned = merged_pair(wallet)
    hold = holds.open_hold(
        customer_id=absorbed.pk, wallet_id=wallet.pk, points=5, source=Source("test", "hold"), at=NOW
    )
    mergers.merge(survivor_id=survivor.pk, absorbed_id=absorbed.pk, by=SYSTEM, at=NOW)
    assert (account_of(survivor), account_of(absorbed)) == ((20, 28, 0, 0), (0, 0, 5, 0))
    holds.release(hold=hold, at=NOW)
    assert (account_of(survivor), account_of(absorbed)) == ((20, 33, 0, 0), (0, 0, 0, 0))
    post(absorbed, wallet, 4)
    assert post(absorbed, wallet, -6).available == 31
    # A line of an order from before the merge is returned: its lot is found where it is now.
    assert take_back(earned, RefundPolicy.WITHIN_BALANCE).points == -30
    assert account_of(survivor) == (20, 1, 0, 0)


def test_a_lot_that_left_in_parts_comes_back_whole(wallet: Wallet) -> None:
    survivor, absorbed, _earned = merged_pair(wallet)
    before = list(Lot.objects.filter(account__customer=absorbed).order_by("pk").values())
    hold = holds.open_hold(
        customer_id=absorbed.pk, wallet_id=wallet.pk, points=5, source=Source("test", "hold"), at=NOW
    )
    merge = merges.merge(survivor=survivor, absorbed=absorbed, by=SYSTEM, at=NOW)
    holds.release(hold=hold, at=NOW)
    assert (account_of(survivor), account_of(absorbed)) == ((20, 33, 0, 0), (0, 0, 0, 0))
    merges.unmerge(merge=merge, by=SYSTEM, at=NOW)
    assert list(Lot.objects.filter(account__customer=absorbed).order_by("pk").values()) == before
    assert (account_of(survivor), account_of(absorbed)) == ((0, 10, 0, 0), (20, 23, 0, 0))


def test_a_frozen_account_stops_the_merge(wallet: Wallet) -> None:
    survivor, absorbed, _earned = merged_pair(wallet)
    Account.objects.filter(customer=absorbed).update(frozen_at=NOW)
    with pytest.raises(AccountFrozen):
        mergers.merge(survivor_id=survivor.pk, absorbed_id=absorbed.pk, by=SYSTEM, at=NOW)
    assert balances.merge_preview(survivor.pk, absorbed.pk, at=NOW)[0].merged == "33"

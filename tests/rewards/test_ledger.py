from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from rewards.models import (
    Account,
    Hold,
    HoldState,
    LedgerEntry,
    LedgerTransaction,
    Lot,
    TransactionKind,
    Wallet,
)
from rewards.services import expiries, holds, ledger
from rewards.services.errors import AccountFrozen, HoldClosed, InsufficientPoints, SourceReused
from rewards.services.ledger import Credit, Posting, Source, TakeBack
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, lots_of, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def wallet(tenant: Tenant, other_tenant: Tenant, scope_after_other: None) -> Wallet:
    return make_wallet()


@pytest.fixture
def scope_after_other(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant with points of its own, then the scope of ``tenant``."""
    with tenant_scope(other_tenant):
        post(make_customer(external_id="c-other"), make_wallet(), 777, "same-source")
    with tenant_scope(tenant):
        yield
    with tenant_scope(other_tenant):
        assert Account.objects.get().available == 777


def check_now() -> None:
    """Run the deferred checks inside the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def entries_of(transaction_id: int | None) -> list[tuple[int, int, int, int]]:
    rows = LedgerEntry.objects.filter(transaction_id=transaction_id).order_by("id")
    return list(rows.values_list("account_id", "points", "seq", "balance_after"))


def test_a_credit_writes_a_line_a_lot_and_the_balance(wallet: Wallet) -> None:
    customer = make_customer()
    posting = post(customer, wallet, 120, expires_at=NOW + DAY)
    account = Account.objects.get(customer=customer)
    assert (posting.points, posting.available, posting.is_new) == (120, 120, True)
    assert entries_of(posting.transaction_id) == [(account.pk, 120, 1, 120)]
    lot = Lot.objects.get(account=account)
    assert (lot.granted, lot.remaining, lot.held, lot.expires_at) == (120, 120, 0, NOW + DAY)
    check_now()


def test_a_debit_consumes_the_earliest_expiry_then_the_oldest_and_never_expiring_last(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 10)
    post(customer, wallet, 20, expires_at=NOW + 2 * DAY)
    post(customer, wallet, 30, expires_at=NOW + DAY)
    post(customer, wallet, 40, expires_at=NOW + DAY)
    posting = post(customer, wallet, -75)
    account = Account.objects.get(customer=customer)
    assert lots_of(customer) == [(10, 0), (15, 0), (0, 0), (0, 0)]
    assert entries_of(posting.transaction_id) == [
        (account.pk, -30, 5, 70),
        (account.pk, -40, 6, 30),
        (account.pk, -5, 7, 25),
    ]
    assert (account.available, account.seq, posting.available) == (25, 7, 25)
    check_now()


def test_a_source_is_posted_once_for_ever(wallet: Wallet) -> None:
    customer = make_customer()
    first = post(customer, wallet, 50, "same-source")
    again = post(customer, wallet, 50, "same-source")
    assert (again.transaction_id, again.is_new) == (first.transaction_id, False)
    assert balance_of(customer) == (50, 0)
    with pytest.raises(SourceReused):
        post(customer, wallet, 51, "same-source")
    spent = post(customer, wallet, -50, "spend")
    assert post(customer, wallet, -50, "spend").transaction_id == spent.transaction_id
    assert balance_of(customer) == (0, 0)
    assert Account.objects.get(customer=customer).seq == 2


def test_a_debit_beyond_the_balance_says_what_is_missing_and_changes_nothing(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 60)
    with pytest.raises(InsufficientPoints) as refusal:
        post(customer, wallet, -100)
    assert refusal.value.extra == {"missing": 40}
    assert balance_of(customer) == (60, 0)
    with pytest.raises(InsufficientPoints) as refusal:
        post(make_customer(), wallet, -7)
    assert refusal.value.extra == {"missing": 7}


def test_an_expired_lot_is_unavailable_before_the_expiry_job_ran(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 60, expires_at=NOW + DAY)
    post(customer, wallet, 30)
    with pytest.raises(InsufficientPoints) as refusal:
        post(customer, wallet, -50, at=NOW + DAY)
    assert refusal.value.extra == {"missing": 20}
    assert (balance_of(customer), Account.objects.get(customer=customer).seq) == ((90, 0), 2)
    post(customer, wallet, -30, at=NOW + DAY)
    assert lots_of(customer) == [(60, 0), (0, 0)]


def test_expiry_posts_one_transaction_per_account_and_instant(wallet: Wallet) -> None:
    customer, neighbour = make_customer(), make_customer()
    for points, days in ((10, 1), (20, 1), (30, 2), (40, 5)):
        post(customer, wallet, points, expires_at=NOW + days * DAY)
    post(neighbour, wallet, 5, expires_at=NOW + DAY)
    report = expiries.expire_batch(at=NOW + 2 * DAY)
    assert (report.accounts, report.transactions, report.points) == (2, 3, 65)
    assert balance_of(customer) == (40, 0)
    posted = LedgerTransaction.objects.filter(kind="expire", account__customer=customer).order_by("id")
    assert sorted(posted.values_list("points", "occurred_at")) == [(-30, NOW + DAY), (-30, NOW + 2 * DAY)]
    assert expiries.expire_batch(at=NOW + 2 * DAY).accounts == 0
    check_now()


def test_reversing_a_debit_restores_the_same_lots_with_their_expiry(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 30, expires_at=NOW + DAY)
    post(customer, wallet, 30, expires_at=NOW + 2 * DAY)
    spent = post(customer, wallet, -45)
    debit = LedgerTransaction.objects.get(pk=spent.transaction_id)
    restored = ledger.reverse(transaction=debit, source=Source("undo", "1"), by=SYSTEM, at=NOW)
    assert restored.points == 45
    assert list(Lot.objects.order_by("id").values_list("remaining", "expires_at")) == [
        (30, NOW + DAY),
        (30, NOW + 2 * DAY),
    ]
    twice = ledger.reverse(transaction=debit, source=Source("undo", "2"), by=SYSTEM, at=NOW)
    assert (twice.transaction_id, twice.is_new) == (restored.transaction_id, False)
    assert balance_of(customer) == (60, 0)
    check_now()


def test_a_lot_restored_after_its_expiry_expires_again(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 30, expires_at=NOW + DAY)
    spent = post(customer, wallet, -20)
    assert expiries.expire_batch(at=NOW + DAY).points == 10
    debit = LedgerTransaction.objects.get(pk=spent.transaction_id)
    ledger.reverse(transaction=debit, source=Source("undo", "1"), by=SYSTEM, at=NOW + 2 * DAY)
    assert balance_of(customer) == (20, 0)
    assert expiries.expire_batch(at=NOW + 2 * DAY).points == 20
    assert balance_of(customer) == (0, 0)


def test_reversing_a_credit_takes_its_own_lot_first_then_others_and_forgives_the_rest(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 10, expires_at=NOW + DAY)
    credit = post(customer, wallet, 50, expires_at=NOW + 3 * DAY)
    post(customer, wallet, -30)
    reversal = ledger.reverse(
        transaction=LedgerTransaction.objects.get(pk=credit.transaction_id),
        source=Source("undo", "1"),
        by=SYSTEM,
        at=NOW,
    )
    assert (reversal.points, reversal.missing) == (-30, 20)
    assert balance_of(customer) == (0, 0)
    post(customer, wallet, 40)
    other = post(customer, wallet, 5)
    post(customer, wallet, -2)
    partial = ledger.take_back_batch(
        source_type="return",
        returns=[TakeBack(other.transaction_id or 0, 9, "r", NOW)],
        by=SYSTEM,
        at=NOW,
        revision_id=None,  # type: ignore[arg-type]
    )
    assert partial == {"r": (ledger.Outcome.POSTED, -9)}
    assert lots_of(customer)[-2:] == [(34, 0), (0, 0)]
    check_now()


def test_a_batch_posts_in_order_skips_known_sources_and_numbers_without_gap(wallet: Wallet) -> None:
    first, second = make_customer(), make_customer()
    post(first, wallet, 5)
    batch = [
        Credit(first.pk, 10, "a", NOW, None),
        Credit(second.pk, 20, "b", NOW, NOW + DAY),
        Credit(first.pk, 30, "c", NOW, NOW + DAY),
    ]
    options: dict[str, Any] = {
        "wallet_id": wallet.pk, "kind": TransactionKind.EARN, "source_type": "order", "by": SYSTEM, "at": NOW,
    }  # fmt: skip
    assert ledger.post_batch(credits=batch, **options).posted == 3
    again = [*batch, Credit(second.pk, 1, "d", NOW, None)]
    assert ledger.post_batch(credits=again, **options).posted == 1
    lines = LedgerEntry.objects.filter(account__customer=first).order_by("seq")
    assert list(lines.values_list("seq", "points", "balance_after")) == [(1, 5, 5), (2, 10, 15), (3, 30, 45)]
    assert (balance_of(first), balance_of(second)) == ((45, 0), (21, 0))
    check_now()


def test_a_batch_that_names_a_source_twice_is_refused_whole(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 5)
    twins = [Credit(customer.pk, points, "same", NOW, None) for points in (10, 20)]
    with pytest.raises(IntegrityError, match="rewards_transaction_source"), transaction.atomic():
        ledger.post_batch(
            wallet_id=wallet.pk,
            kind=TransactionKind.EARN,
            source_type="order",
            credits=twins,
            by=SYSTEM,
            at=NOW,
        )
    assert balance_of(customer) == (5, 0)
    check_now()


def test_a_frozen_account_refuses_everything_and_a_batch_names_it(wallet: Wallet) -> None:
    customer, other = make_customer(), make_customer()
    post(customer, wallet, 50)
    Account.objects.filter(customer=customer).update(frozen_at=NOW)
    for points in (1, -1):
        with pytest.raises(AccountFrozen):
            post(customer, wallet, points)
    result = ledger.post_batch(
        wallet_id=wallet.pk,
        kind=TransactionKind.EARN,
        source_type="order",
        credits=[Credit(customer.pk, 1, "x", NOW, None), Credit(other.pk, 2, "y", NOW, None)],
        by=SYSTEM,
        at=NOW,
    )
    assert (result.posted, result.frozen_sources) == (1, frozenset({"x"}))
    assert balance_of(customer) == (50, 0)


def _hold(customer: Any, wallet: Wallet, points: int, source: str = "h", **options: Any) -> Hold:
    return holds.open_hold(
        customer_id=customer.pk,
        wallet_id=wallet.pk,
        points=points,
        source=Source("test", source),
        at=NOW,
        **options,
    )


def test_a_hold_reserves_lots_and_capture_spends_them(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 30, expires_at=NOW + DAY)
    post(customer, wallet, 30)
    hold = _hold(customer, wallet, 40)
    assert (balance_of(customer), lots_of(customer)) == ((20, 40), [(30, 30), (30, 10)])
    assert _hold(customer, wallet, 40).pk == hold.pk
    with pytest.raises(InsufficientPoints) as refusal:
        post(customer, wallet, -21)
    assert refusal.value.extra == {"missing": 1}
    assert expiries.expire_batch(at=NOW + DAY).points == 0
    posting = holds.capture(
        hold=hold, kind=TransactionKind.REDEEM, source=Source("cap", "1"), by=SYSTEM, at=NOW + DAY
    )
    assert (posting.points, balance_of(customer), lots_of(customer)) == (-40, (20, 0), [(0, 0), (20, 0)])
    with pytest.raises(HoldClosed):
        holds.release(hold=hold, at=NOW)
    check_now()


def test_release_and_time_out_give_the_points_back(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 50)
    hold, due = _hold(customer, wallet, 20), _hold(customer, wallet, 10, "due", expires_at=NOW + DAY)
    holds.release(hold=hold, at=NOW)
    assert balance_of(customer) == (40, 10)
    assert holds.time_out(at=NOW + DAY - timedelta(seconds=1)) == 0
    assert holds.time_out(at=NOW + DAY) == 1
    assert (balance_of(customer), lots_of(customer)) == ((50, 0), [(50, 0)])
    due.refresh_from_db()
    assert due.state == HoldState.TIMED_OUT
    with pytest.raises(HoldClosed):
        holds.capture(hold=due, kind=TransactionKind.REDEEM, source=Source("c", "1"), by=SYSTEM, at=NOW)
    check_now()


@pytest.mark.parametrize("model", [LedgerTransaction, LedgerEntry])
@pytest.mark.parametrize("statement", ["UPDATE {} SET points = 1", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_cannot_change_the_ledger(wallet: Wallet, model: Any, statement: str) -> None:
    post(make_customer(), wallet, 5)
    with (
        pytest.raises(Exception, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(model._meta.db_table))


def test_a_hold_whose_time_is_over_is_not_captured_before_the_sweep(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 50)
    hold = _hold(customer, wallet, 20, expires_at=NOW + DAY)
    kind, options = TransactionKind.REDEEM, {"by": SYSTEM, "hold": hold}
    with pytest.raises(HoldClosed):
        holds.capture(kind=kind, source=Source("cap", "1"), at=NOW + DAY, **options)
    assert balance_of(customer) == (30, 20)
    last = NOW + DAY - timedelta(microseconds=1)
    assert holds.capture(kind=kind, source=Source("cap", "1"), at=last, **options).points == -20
    assert holds.time_out(at=NOW + DAY) == 0


def test_a_repeated_reversal_tells_what_was_missing_the_first_time(wallet: Wallet) -> None:
    customer = make_customer()
    earned = post(customer, wallet, 50, kind=TransactionKind.EARN)
    post(customer, wallet, -30, kind=TransactionKind.REDEEM)
    transaction = LedgerTransaction.objects.get(pk=earned.transaction_id)

    def undo() -> Posting:
        return ledger.reverse(transaction=transaction, source=Source("reversal", "1"), by=SYSTEM, at=NOW)

    first = undo()
    assert (first.points, first.missing, first.is_new) == (-20, 30, True)
    again = undo()
    assert (again.points, again.missing, again.is_new) == (-20, 30, False)

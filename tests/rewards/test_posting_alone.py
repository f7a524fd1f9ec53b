"""A scope that ends with its call: transaction, tenant, posting and commit in one message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError
from psycopg.pq import TransactionStatus

from crm.models import Customer
from rewards.models import Account, LedgerTransaction, TransactionKind, Wallet
from rewards.services import ledger
from rewards.services.errors import InsufficientPoints
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import run_afterwards, tenant_scope
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(tenant: Tenant) -> tuple[Customer, Wallet]:
    with tenant_scope(tenant):
        customer, wallet = make_customer(), make_wallet()
        post(customer, wallet, 100, "start")
    return customer, wallet


def available(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return int(Account.objects.get().available)


def messages(send: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Write down what is sent to the server by the wrapper itself, and refuse all other ways."""
    connection.ensure_connection()
    pgconn = connection.connection.pgconn

    class Recorded:
        def __getattr__(self, name: str) -> object:
            return getattr(pgconn, name)

        def exec_(self, message: bytes) -> object:
            send.append(message)
            return pgconn.exec_(message)

        def prepare(self, name: bytes, statement: bytes) -> object:
            send.append(statement)
            return pgconn.prepare(name, statement)

        def exec_prepared(self, name: bytes, parameters: list[bytes | None]) -> object:
            send.append(name)
            return pgconn.exec_prepared(name, parameters)

    recorded = cast("Any", Recorded())
    monkeypatch.setattr(connection.connection, "pgconn", recorded)
    if connection._prepared is not None:
        monkeypatch.setattr(connection._prepared, "_pgconn", recorded)


@pytest.fixture(params=[True, False], ids=["prepared", "as text"])
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A connection that prepares its calls, or does not, and has made one."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PREPARED_CALLS", request.param)
    yield
    connection.close()


def read(_customer: Customer, _wallet: Wallet) -> None:
    Account.objects.count()


def post_again(customer: Customer, wallet: Wallet) -> None:
    post(customer, wallet, 1, "b")


def test_it_is_one_message_and_committed_with_it(tenant, wire, account, monkeypatch) -> None:
    sent: list[bytes] = []
    done: list[str] = []
    with tenant_scope(tenant, ends_with_call=True):
        # The first one of a connection prepares the call.
        post(*account, 30, "before")
    with monkeypatch.context() as recorded:
        messages(sent, recorded)
        with tenant_scope(tenant, ends_with_call=True):
            transaction.on_commit(lambda: done.append("committed"))
            run_afterwards(lambda: done.append("afterwards"))
            posting = post(*account, -30, "o'clock; 5 %")
            # Nothing but the posting was sent, and the server waits for nothing more of this transaction.
            assert (len(sent), connection.connection.pgconn.transaction_status) == (1, TransactionStatus.IDLE)
    assert (posting.available, posting.is_new) == (100, True)
    assert done == ["committed", "afterwards"]
    assert available(tenant) == 100
    with tenant_scope(tenant):
        assert LedgerTransaction.objects.get(pk=posting.transaction_id).source_id == "o'clock; 5 %"


def test_a_repeated_one_finds_the_first(tenant, wire, account) -> None:
    for is_new in (True, False):
        with tenant_scope(tenant, ends_with_call=True):
            assert post(*account, -30, "same").is_new is is_new
    assert available(tenant) == 70


def test_a_refusal_leaves_nothing_behind(tenant, wire, account) -> None:
    with pytest.raises(InsufficientPoints), tenant_scope(tenant, ends_with_call=True):
        post(*account, -101, "too much")
    assert available(tenant) == 100
    with tenant_scope(tenant):
        assert not LedgerTransaction.objects.filter(source_id="too much").exists()


def test_an_error_of_the_server_is_raised_and_the_connection_goes_on(tenant, wire, account) -> None:
    customer, _wallet = account
    with pytest.raises(IntegrityError), tenant_scope(tenant, ends_with_call=True):
        ledger.post(
            customer_id=customer.pk, wallet_id=0, kind=TransactionKind.ADJUST, points=5,
            source=Source("test", "no such wallet"), occurred_at=NOW, by=SYSTEM, at=NOW,
        )  # fmt: skip
    assert available(tenant) == 100


@pytest.mark.parametrize("follow", [read, post_again])
def test_nothing_may_follow_it(tenant, wire, account, follow) -> None:
    def work() -> None:
        with tenant_scope(tenant, ends_with_call=True):
            post(*account, 1, "a")
            follow(*account)

    with pytest.raises(TransactionManagementError):
        work()
    assert available(tenant) == 101


def test_what_was_read_before_belongs_to_the_same_transaction(tenant, wire, account) -> None:
    """Then the commit is a message of its own, and a failure behind the posting takes it back."""

    def work() -> None:
        with tenant_scope(tenant, ends_with_call=True):
            assert Account.objects.get().available == 100
            post(*account, 1, "a")
            raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        work()
    assert available(tenant) == 100


def test_inside_a_larger_transaction_it_ends_nothing(tenant, wire, account) -> None:
    def work() -> None:
        with transaction.atomic():
            with tenant_scope(tenant, ends_with_call=True):
                post(*account, 1, "a")
                assert Account.objects.get().available == 101
            raise ValueError("outer")

    with pytest.raises(ValueError, match="outer"):
        work()
    assert available(tenant) == 100


def test_another_tenants_account_is_out_of_reach(tenant, other_tenant, wire, account) -> None:
    with pytest.raises(IntegrityError), tenant_scope(other_tenant, ends_with_call=True):
        post(*account, 5, "foreign")
    assert available(tenant) == 100


def forget_what_is_prepared() -> None:
    """Do what a pooler does that hands out another connection and does not follow prepared statements."""
    connection.connection.pgconn.exec_(b"DEALLOCATE ALL")


def test_a_pooler_that_forgets_costs_a_posting_alone_nothing(tenant, account) -> None:
    for number in range(2):
        with tenant_scope(tenant, ends_with_call=True):
            assert post(*account, 5, f"pooled {number}").is_new
        forget_what_is_prepared()
    assert available(tenant) == 110


def test_inside_a_transaction_it_is_an_error_that_leaves_nothing(tenant, account) -> None:
    def work() -> None:
        with tenant_scope(tenant):
            assert Account.objects.get().available == 105
            post(*account, 5, "second")

    with tenant_scope(tenant):
        assert Account.objects.get().available == 100
        post(*account, 5, "first")
    forget_what_is_prepared()
    with pytest.raises(ProgrammingError, match="does not exist"):
        work()
    assert available(tenant) == 105


def test_a_new_connection_prepares_anew(tenant, wire, account) -> None:
    for number in range(2):
        with tenant_scope(tenant, ends_with_call=True):
            post(*account, 5, f"alone {number}")
        with tenant_scope(tenant):
            assert Account.objects.count() == 1
            post(*account, 5, f"together {number}")
        connection.close()
    assert available(tenant) == 120


@pytest.mark.parametrize("reads_first", [True, False])
def test_text_that_no_database_holds_is_refused(tenant, wire, account, reads_first) -> None:
    def work() -> None:
        with tenant_scope(tenant, ends_with_call=True):
            if reads_first:
                Account.objects.count()
            post(*account, 5, "nul\0")

    with pytest.raises(DataError):
        work()
    assert available(tenant) == 100

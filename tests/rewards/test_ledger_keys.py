"""The keys that a statement checks instead of a row, tested by violating them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from rewards.models import Account, LedgerEntry, LedgerTransaction, Lot, Wallet
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
NOBODY = 987_654_321


@pytest.fixture
def foreign(other_tenant: Tenant) -> dict[str, int]:
    """Keys of rows that exist, in another tenant."""
    with tenant_scope(other_tenant):
        posting = post(make_customer(), make_wallet(), 5)
        lot = Lot.objects.get()
        return {"transaction": posting.transaction_id or 0, "lot": lot.pk, "account": lot.account_id}


@pytest.fixture
def wallet(foreign: dict[str, int], scope: Any) -> Wallet:
    return make_wallet()


def entry_lines(**change: int) -> list[LedgerEntry]:
    """Both lines of one more credit of the only customer, with some key of the customer's line changed."""
    lot, posted = Lot.objects.first(), LedgerTransaction.objects.first()
    assert lot
    assert posted
    keys = {"transaction_id": posted.pk, "account_id": lot.account_id, "lot_id": lot.pk, **change}
    return [
        LedgerEntry(points=5, seq=2, balance_after=10, **keys),
        LedgerEntry(points=-5, transaction_id=keys["transaction_id"]),
    ]


def refuse(match: str) -> Any:
    return pytest.raises(IntegrityError, match=match)


def test_lines_with_their_own_keys_are_accepted(wallet: Wallet) -> None:
    post(make_customer(), wallet, 5)
    LedgerEntry.objects.bulk_create(entry_lines())


@pytest.mark.parametrize("key", ["transaction", "lot", "account"])
def test_a_line_cannot_name_a_missing_row_or_another_tenants(
    wallet: Wallet, foreign: dict[str, int], key: str
) -> None:
    post(make_customer(), wallet, 5)
    for value in (NOBODY, foreign[key]):
        with refuse("rows that are missing or another account's"), transaction.atomic():
            LedgerEntry.objects.bulk_create(entry_lines(**{f"{key}_id": value}))


def test_a_line_cannot_name_another_accounts_lot_or_transaction(wallet: Wallet) -> None:
    post(make_customer(), wallet, 5)
    other = post(make_customer(), wallet, 5)
    lot = Lot.objects.order_by("pk").last()
    assert lot
    for change in ({"lot_id": lot.pk}, {"transaction_id": other.transaction_id or 0}):
        with refuse("rows that are missing or another account's"), transaction.atomic():
            LedgerEntry.objects.bulk_create(entry_lines(**change))


def test_a_lot_cannot_name_a_missing_account_or_another_tenants(
    wallet: Wallet, foreign: dict[str, int]
) -> None:
    for account in (NOBODY, foreign["account"]):
        with refuse("which does not exist"), transaction.atomic():
            Lot.objects.create(account_id=account, granted=1, remaining=1, available_from=NOW)


@pytest.mark.parametrize("model", [Account, Lot])
def test_the_application_cannot_delete_what_lines_name(wallet: Wallet, model: Any) -> None:
    post(make_customer(), wallet, 5)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        model.objects.all()._raw_delete("default")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rewards_account SET id = id + 1000000",
        "UPDATE rewards_lot SET id = id + 1000000",
        "UPDATE rewards_lot SET account_id = account_id + 1000000",
    ],
)
def test_what_lines_name_keeps_its_keys(wallet: Wallet, statement: str) -> None:
    post(make_customer(), wallet, 5)
    with refuse("keeps its keys"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True, databases=["default", "platform", "owner"])
@pytest.mark.parametrize("statement", ["DELETE FROM rewards_account", "DELETE FROM rewards_lot"])
def test_other_roles_cannot_delete_it_either(tenant: Tenant, statement: str) -> None:
    with tenant_scope(tenant):
        post(make_customer(), make_wallet(), 5)
    for role in ("platform", "owner"):
        with transaction.atomic(using=role), connections[role].cursor() as cursor:
            cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant.pk)])
            with refuse("never deleted"), transaction.atomic(using=role):
                cursor.execute(statement)

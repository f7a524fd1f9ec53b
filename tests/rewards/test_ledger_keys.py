"""What no writer gets around: the application may not write the ledger at all, its owner not wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from rewards.models import Account, Lot
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import make_customer, make_wallet, post

NOBODY = 987_654_321
SAME = "UPDATE {0} SET {1} = {1}"
TABLES = [
    "rewards_account",
    "rewards_lot",
    "rewards_ledgertransaction",
    "rewards_ledgerentry",
    "rewards_hold",
    "rewards_holdline",
]


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement", ["INSERT INTO {0} (tenant_id) VALUES (1)", "DELETE FROM {0}", "TRUNCATE {0}"]
)
def test_the_application_cannot_write_the_ledger(scope: Any, table: str, statement: str) -> None:
    post(make_customer(), make_wallet(), 5)
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("rewards_account", "available"),
        ("rewards_account", "debt"),
        ("rewards_lot", "remaining"),
        ("rewards_lot", "expires_at"),
        ("rewards_ledgertransaction", "points"),
        ("rewards_ledgerentry", "points"),
        ("rewards_hold", "state"),
    ],
)
def test_the_application_cannot_change_the_ledger(scope: Any, table: str, column: str) -> None:
    post(make_customer(), make_wallet(), 5)
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(SAME.format(table, column))


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["SELECT rewards_debit_lots(1, 1, 1, 1, 1, '{1}', '{1}')",
                                  "SELECT rewards_activate_lots(1, 1, '{1}', now())"])  # fmt: skip
def test_the_parts_of_postings_are_of_no_use_to_it(scope: Any, part: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(part)


@pytest.fixture
def owner(transactional_db: None, tenant: Tenant, other_tenant: Tenant) -> Iterator[Any]:
    """The owner's cursor in the scope of a tenant with two accounts, another tenant having two as well."""
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            wallet = make_wallet()
            post(make_customer(), wallet, 5, "first")
            post(make_customer(), wallet, 7, "second")
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant.pk)])
        yield cursor
        transaction.set_rollback(True, using="owner")


def _refused(owner: Any, match: str, statement: str, parameters: Any = ()) -> None:
    with pytest.raises(IntegrityError, match=match), transaction.atomic(using="owner"):
        owner.execute(statement, parameters)


DELETE = "DELETE FROM {}"
BALANCE = "UPDATE rewards_account SET {0} = {0} + %s WHERE id = %s"
LINE = """
    INSERT INTO rewards_ledgerentry (
        tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining
    )
    VALUES (%(tenant)s, %(transaction)s, %(account)s, %(lot)s, %(points)s, %(seq)s, %(after)s, %(remaining)s)
"""
NEXT = "UPDATE rewards_account SET seq = seq + 1 WHERE id = %s"


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "platform"])
def test_whoever_may_write_cannot_write_wrongly(owner: Any, tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        foreign = Lot.objects.order_by("pk").first()
        assert foreign
        foreign_transaction = foreign.entries.get().transaction_id
    with tenant_scope(tenant):
        lot, other = Lot.objects.order_by("pk")
        mine = lot.entries.get().transaction_id
        theirs = other.entries.get().transaction_id
    line = {
        "tenant": tenant.pk, "transaction": mine, "account": lot.account_id, "lot": lot.pk, "points": 5,
        "seq": 2, "after": 5, "remaining": 5,
    }  # fmt: skip
    owner.execute(NEXT, [lot.account_id])
    # A right line is accepted; the others are wrong only about what they say.
    with transaction.atomic(using="owner"):
        owner.execute(LINE, line)
        transaction.set_rollback(True, using="owner")
    for points in (6, 0, -5):
        _refused(owner, "do not add up", LINE, {**line, "points": points})
    for change in ({"after": 6}, {"seq": 3}, {"remaining": 4}, {"remaining": None}):
        _refused(owner, "differ from its account or its lots", LINE, {**line, **change})
    for change in (
        {"transaction": NOBODY},
        {"transaction": foreign_transaction},
        {"transaction": theirs},
        {"account": NOBODY},
        {"account": foreign.account_id},
        {"lot": NOBODY},
        {"lot": foreign.pk},
        {"lot": other.pk},
    ):
        _refused(owner, "rows that are missing or another account's", LINE, {**line, **change})
    for column in ("available", "held", "pending"):
        with transaction.atomic(using="owner"):
            owner.execute(BALANCE.format(column), [1, lot.account_id])
            _refused(owner, "differ from its account or its lots", LINE, line)
            transaction.set_rollback(True, using="owner")
        _refused(owner, "rewards_points_not_negative", BALANCE.format(column), [-99, lot.account_id])
    for change, name in (
        ("held = -1", "rewards_points_not_negative"),
        ("granted = 0", "rewards_grant_positive"),
        ("granted = remaining - 1", "would hold less"),
        ("held = remaining + 1", "would hold less"),
    ):
        _refused(owner, name, f"UPDATE rewards_lot SET {change} WHERE id = %s", [lot.pk])  # noqa: S608
    again = """INSERT INTO rewards_ledgertransaction (tenant_id, account_id, kind, points, source_type,
               source_id, actor_kind, actor_label, reason, occurred_at, posted_at)
               SELECT tenant_id, account_id, kind, points, source_type, source_id, actor_kind, actor_label,
                      reason, occurred_at, posted_at FROM rewards_ledgertransaction LIMIT 1"""
    _refused(owner, "rewards_transaction_source", again)
    for statement in (
        "UPDATE rewards_account SET id = id + 1000000",
        "UPDATE rewards_lot SET id = id + 1000000",
        "UPDATE rewards_lot SET account_id = account_id + 1000000",
    ):
        _refused(owner, "keeps its keys", statement)
    for statement in ("UPDATE rewards_ledgertransaction SET points = 1", "DELETE FROM rewards_ledgerentry"):
        _refused(owner, "append-only", statement)


@pytest.mark.django_db(transaction=True, databases=["default", "platform", "owner"])
def test_other_roles_cannot_delete_it_either(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        post(make_customer(), make_wallet(), 5)
        assert (Account.objects.count(), Lot.objects.count()) == (1, 1)
    for role in ("platform", "owner"):
        for table in ("rewards_account", "rewards_lot"):
            with transaction.atomic(using=role), connections[role].cursor() as cursor:
                cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant.pk)])
                with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic(using=role):
                    cursor.execute(DELETE.format(table))

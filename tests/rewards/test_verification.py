"""What ``verify_ledger`` is for: rows that were changed past every guard, by a superuser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.conf import settings

from rewards.models import Account
from rewards.queries import verification as checks
from rewards.services import holds, ledger
from rewards.services.verification import VerificationReport, verify_ledger
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import _admin_url
from tests.rewards.factories import NOW, make_customer, make_wallet, post

LAST = "id = (SELECT MAX(id) FROM rewards_ledgerentry)"
# A corruption, and every check that has to notice it.
CORRUPTIONS = {
    "UPDATE rewards_account SET available = available + 1": {
        "balance_equals_entries", "balance_equals_lots",
    },
    "UPDATE rewards_account SET pending = 1, available = available - 1": {"pending_equals_pending_lots"},
    "UPDATE rewards_account SET debt = 1, available = available + 1": {
        "debt_equals_its_entries", "balance_equals_lots",
    },
    "UPDATE rewards_account SET held = held + 1, available = available - 1": {"held_equals_open_holds"},
    "UPDATE rewards_account SET seq = seq + 1": {"entries_numbered_without_gap"},
    "UPDATE rewards_account SET moved_to_id = id": {"nothing_left_behind_by_merges"},
    "UPDATE rewards_lot SET held = held + 1": {"lot_held_equals_open_hold_lines"},
    "UPDATE rewards_lot SET remaining = remaining - 1": {"balance_equals_lots", "lot_equals_its_entries"},
    "UPDATE rewards_lot SET granted = 1": {"lots_hold_what_they_may"},
    "UPDATE rewards_lot SET is_open = NOT is_open": {"lots_hold_what_they_may"},
    "UPDATE rewards_ledgerentry SET lot_remaining = lot_remaining - 1 WHERE {last}": {
        "lines_say_what_lots_held",
    },
    "UPDATE rewards_ledgerentry SET balance_after = 0 WHERE {last}": {"running_balance_adds_up"},
    "UPDATE rewards_ledgertransaction SET points = points + 1 WHERE points > 0": {"transaction_sums_to_zero"},
    "DELETE FROM rewards_ledgerentry WHERE {last}": {
        "balance_equals_entries", "lot_equals_its_entries", "entries_numbered_without_gap",
        "transaction_sums_to_zero",
    },
    """UPDATE rewards_ledgertransaction SET reverses_id = id - 1
       WHERE id = (SELECT MAX(id) FROM rewards_ledgertransaction)""": {"reversed_at_most_once"},
    "UPDATE rewards_ledgertransaction SET source_type = 'order', source_id = '7:1' WHERE points = 100": {
        "decisions_equal_postings",
    },
}  # fmt: skip


@pytest.fixture
def corrupt(transactional_db: None, tenant: Tenant, other_tenant: Tenant) -> Callable[[str], None]:
    """An account with two credits, a debit and an open hold, and the power to change its rows at will."""
    with tenant_scope(other_tenant):
        post(make_customer(), make_wallet(), 5)
    with tenant_scope(tenant):
        customer, wallet = make_customer(), make_wallet()
        for points, name in ((100, "first"), (20, "second"), (-30, "spent")):
            post(customer, wallet, points, name)
        holds.open_hold(
            customer_id=customer.pk,
            wallet_id=wallet.pk,
            points=10,
            source=ledger.Source("cart", "1"),
            at=NOW,
        )

    def run(statement: str) -> None:
        name = str(settings.DATABASES["default"]["NAME"])
        with psycopg.connect(_admin_url(), dbname=name) as admin:
            admin.execute("SET session_replication_role = replica")
            admin.execute(statement.replace("{last}", LAST))

    return run


def _verify(tenant: Tenant) -> VerificationReport:
    with tenant_scope(tenant):
        return verify_ledger(by=SYSTEM, at=NOW)


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_a_sound_ledger_has_no_findings(corrupt: Any, tenant: Tenant) -> None:
    report = _verify(tenant)
    assert (report.findings, report.accounts, report.transactions, report.entries) == ((), 1, 3, 3)


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
@pytest.mark.parametrize("statement", CORRUPTIONS)
def test_a_corruption_is_named_and_its_account_frozen(
    corrupt: Callable[[str], None], tenant: Tenant, statement: str
) -> None:
    corrupt(statement)
    report = _verify(tenant)
    assert {finding.check for finding in report.findings} >= CORRUPTIONS[statement]
    with tenant_scope(tenant):
        assert Account.objects.get().frozen_at == NOW


def test_every_check_has_a_corruption() -> None:
    assert set().union(*CORRUPTIONS.values()) == set(checks.CHECKS)

"""Points that customers bring along: credited once, reversed by the undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.models import Customer
from crm.services import customer_touches, merges
from crm.services.imports import staged, wizard
from rewards.models import Account, LedgerTransaction
from rewards.queries import verification
from rewards.services import opening_balances
from rewards.services.opening_balances import Balance, Verdict
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import PermissionRefused
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.services.imports.wizardry import checked, counts, loaded, run_job, uploaded
from tests.rewards.factories import make_wallet, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


def test_balances_are_credited_once_and_taken_back(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_wallet("points")
        for name in ("c1", "c2"):
            factories.customer(name)
    text = "会员号;积分\nc1;1200\nc2;50\nc3;5\nc2;-1\n"
    run = loaded(tenant, "points_balances", text)
    assert counts(run) == (4, 2, 0, 2)
    assert run.report["quarantined"] == {"customer_unknown": 1, "points_out_of_range": 1}
    with tenant_scope(tenant):
        points = dict(Account.objects.values_list("customer__external_id", "available"))
        assert points == {"c1": 1200, "c2": 50}
    again = loaded(tenant, "points_balances", text.replace("1200", "1300"))
    assert (again.report["unchanged"], again.report["quarantined"]["source_reused"]) == (1, 1)
    with tenant_scope(tenant):
        wizard.start_undo(run=run, by=SYSTEM, at=NOW)
    run_job("crm.undo_import", tenant, run)
    assert run.undo_report == {"reversed": 2}
    with tenant_scope(tenant):
        assert sorted(Account.objects.values_list("available", flat=True)) == [0, 0]


def test_the_check_foresees_what_the_load_answers(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            make_wallet("points")
            factories.customer("c1")
            factories.customer("c2", person={"email": "two@example.com"})
    with tenant_scope(other_tenant):
        opening_balances.post(
            wallet_key="points",
            balances=[Balance(Customer.objects.get(external_id="c1").pk, 7)],
            by=SYSTEM,
            at=NOW,
        )
    text = (
        "customer id,email,points,wallet\nc1,,10,\nc2,,20,\n,two@example.com,20,\n"
        ",TWO@example.com,21,points\nc1,,5,miles\n"
    )
    run = checked(tenant, uploaded(tenant, "points_balances", text))
    assert run.check_report["rows"] == {"read": 5, "accepted": 2, "merged": 1, "quarantined": 2}
    assert run.check_report["quarantined"] == {"source_reused": 1, "unknown_wallet": 1}
    run = loaded(tenant, "points_balances", text)
    assert (counts(run), run.report["quarantined"]) == (
        (5, 2, 1, 2), {"source_reused": 1, "unknown_wallet": 1},
    )  # fmt: skip
    with tenant_scope(tenant):
        postings = LedgerTransaction.objects.order_by("points").values_list("points", "kind", "reason")
        assert list(postings) == [
            (10, "adjust", "Opening balance from a file"),
            (20, "adjust", "Opening balance from a file"),
        ]
        told = set(customer_touches.waiting(100).customer_ids)
        assert set(Account.objects.values_list("customer_id", flat=True)) <= told
        assert AuditEntry.objects.get(action="points.balances_posted").diff["balances"] == [None, 2]
        assert list(verification.findings()) == []


def test_balances_go_in_batches_and_a_killed_load_goes_on(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "BLOCK_ROWS", 4)
    monkeypatch.setattr(opening_balances, "_AT_ONCE", 3)
    with tenant_scope(tenant):
        make_wallet("points")
        for number in range(10):
            factories.customer(f"c{number}")
    text = "customer id,points\n" + "".join(f"c{number},{number + 1}\n" for number in range(10))
    run = checked(tenant, uploaded(tenant, "points_balances", text))
    with tenant_scope(tenant):
        wizard.start_load(run=run, by=SYSTEM, at=NOW)

    def killed(done: int, total: int, message: str) -> None:
        if message == "rows loaded" and done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job("crm.load_import", tenant, run, killed)
    with tenant_scope(tenant):
        assert LedgerTransaction.objects.count() == 4
    run_job("crm.load_import", tenant, run)
    assert (counts(run), run.report["new"]) == ((10, 10, 0, 0), 10)
    with tenant_scope(tenant):
        assert LedgerTransaction.objects.count() == 10
        assert sum(Account.objects.values_list("available", flat=True)) == 55


def test_frozen_accounts_merged_customers_and_limits_are_refused(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        wallet = make_wallet("points")
        frozen, gone = factories.customer("c1"), factories.customer("c2")
        post(frozen, wallet, 1)
        Account.objects.update(frozen_at=NOW)
        Customer.objects.filter(pk=gone.pk).update(state="anonymised")
        outcomes = opening_balances.post(
            wallet_key="points",
            balances=[Balance(frozen.pk, 5), Balance(gone.pk, 5)],
            by=SYSTEM,
            at=NOW,
        )
        assert [each.verdict for each in outcomes] == [Verdict.FROZEN, Verdict.NOT_EDITABLE]
        assert LedgerTransaction.objects.get().points == 1
        nobody = Actor(kind=ActorKind.USER, label="nobody")
        with pytest.raises(PermissionRefused):
            opening_balances.post(wallet_key="points", balances=[], by=nobody, at=NOW)


def test_a_file_loaded_again_after_a_merge_credits_nobody_twice(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        wallet = make_wallet("points")
        kept, gone = factories.customer("c1"), factories.customer("c2")
    loaded(tenant, "points_balances", "customer id,points\nc2,70\n")
    with tenant_scope(tenant):
        merges.merge(survivor=kept, absorbed=gone, by=SYSTEM, at=NOW)
    again = loaded(tenant, "points_balances", "customer id,points\nc2,70\nc1,9\n")
    assert (again.report["unchanged"], again.report["quarantined"]) == (1, {"source_reused": 1})
    with tenant_scope(tenant):
        assert LedgerTransaction.objects.get(kind="adjust").points == 70
        assert Account.objects.get(wallet=wallet, customer=kept).available == 70

"""Points that customers bring along: credited once, reversed by the undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.services.imports import wizard
from rewards.models import Account
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.services.imports.wizardry import counts, loaded, run_job
from tests.rewards.factories import make_wallet

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

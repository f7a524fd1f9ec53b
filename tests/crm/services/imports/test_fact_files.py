"""Events and consents from files, through the services that own them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.models import Consent, ConsentChange, Customer, Event, QuarantinedRow
from crm.services.imports import wizard
from crm.services.imports.errors import WrongState
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.services.imports.wizardry import counts, loaded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


def test_events_are_recorded_once_whatever_the_number_of_files(tenant: Tenant, crowd: Tenant) -> None:
    text = (
        "user id,event,timestamp,page\nc1,product_viewed,2026-01-05T10:00:00Z,7\n"
        "c2,product_viewed,2026-01-05T10:00:01Z,\nc1,product_viewed,1999-01-05T10:00:00Z,8\n"
    )
    run = loaded(tenant, "events", text)
    assert (counts(run), run.report["quarantined"]) == ((3, 2, 0, 1), {"occurred_at_out_of_range": 1})
    with tenant_scope(tenant):
        assert sorted(Customer.objects.values_list("external_id", flat=True)) == ["c1", "c2"]
        assert Event.objects.get(customer__external_id="c1").properties == {"page": 7}
        with pytest.raises(WrongState):
            wizard.start_undo(run=run, by=SYSTEM, at=NOW)
    again = loaded(tenant, "events", text)
    assert (counts(again), again.report["unchanged"]) == ((3, 0, 2, 1), 2)
    with tenant_scope(tenant):
        assert Event.objects.count() == 2


def test_consents_join_the_history(tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        factories.customer("c1")
    run = loaded(
        tenant,
        "consents",
        "customer id,purpose,channel,granted,decided at\nc1,Marketing,email,yes,2026-01-05T10:00:00Z\n"
        "c1,marketing,email,no,2026-01-06T10:00:00Z\nc9,marketing,,yes,2026-01-06T10:00:00Z\n"
        "c1,nonsense,,yes,2026-01-06T10:00:00Z\n",
    )
    assert counts(run) == (4, 2, 0, 2)
    with tenant_scope(tenant):
        assert (Consent.objects.get().is_granted, ConsentChange.objects.count()) == (False, 2)
        rows = QuarantinedRow.objects.order_by("row_number").values_list("row_number", "reason")
        assert list(rows) == [(3, "customer_unknown"), (4, "purpose_unknown")]
        assert QuarantinedRow.objects.get(row_number=3).raw["customer id"] == "c9"

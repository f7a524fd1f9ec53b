from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from recommendations import tasks
from recommendations.services.schedule import retrain_due
from tenants.models import Job, Tenant
from tenants.scope import tenant_scope
from tests.recommendations.shops import open_shop
from tests.recommendations.versions import stored_version

pytestmark = pytest.mark.django_db


def jobs(tenant: Tenant) -> list[dict[str, str]]:
    with tenant_scope(tenant):
        return list(Job.objects.values_list("params", flat=True))


def test_only_tenants_with_orders_are_trained_and_once(
    tenant: Tenant, other_tenant: Tenant, now: datetime
) -> None:
    with tenant_scope(tenant):
        open_shop(customers=2, items=2, days=30)
    assert retrain_due(at=now) == 1
    assert retrain_due(at=now + timedelta(minutes=5)) == 0
    assert jobs(tenant) == [{"model": "all"}]
    assert jobs(other_tenant) == []


def test_a_round_is_due_again_the_next_night(tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant):
        open_shop(customers=2, items=2, days=30)
        stored_version(at=now)
    assert retrain_due(at=now + timedelta(hours=19)) == 0
    assert retrain_due(at=now + timedelta(hours=21)) == 1
    with tenant_scope(tenant):
        Job.objects.update(state=Job.State.SUCCEEDED)
    assert retrain_due(at=now + timedelta(hours=30)) == 0
    assert retrain_due(at=now + timedelta(hours=45)) == 1


def test_the_schedule_finds_the_task_by_its_name() -> None:
    assert tasks.retrain_due.name == "recommendations.retrain_due"

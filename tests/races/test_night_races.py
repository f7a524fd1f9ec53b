"""The task that starts the night's jobs may be handed over twice: each job is started once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tenants.models import Job, Tenant
from tenants.queue import registry
from tenants.scope import tenant_scope
from tenants.services import nightly_jobs
from tests.races.test_ledger_races import together

pytestmark = pytest.mark.django_db(transaction=True)
# Three at night in New York (acme), three in the afternoon in Shanghai (globex).
NIGHT = datetime(2026, 3, 20, 7, 0, tzinfo=UTC)


def test_a_nights_jobs_are_started_once(tenant: Tenant, other_tenant: Tenant) -> None:
    started = together(lambda _number: nightly_jobs.start_due(at=NIGHT))
    assert sorted(started) == [0] * 7 + [len(registry.nightly_kinds)]
    with tenant_scope(tenant):
        assert set(Job.objects.values_list("kind", flat=True)) == registry.nightly_kinds
        assert Job.objects.count() == len(registry.nightly_kinds)
    with tenant_scope(other_tenant):
        assert not Job.objects.exists()

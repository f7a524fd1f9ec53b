from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import gettext_lazy as _

from tenants.models import Job
from tenants.queue import job_handler, registry
from tenants.scope import tenant_scope
from tenants.services import nightly_jobs

pytestmark = pytest.mark.django_db

# Three at night in New York (acme, daylight saving time), three in the afternoon in Shanghai (globex).
NEW_YORK_NIGHT = datetime(2026, 3, 20, 7, 0, tzinfo=UTC)
SHANGHAI_NIGHT = datetime(2026, 3, 20, 19, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def one_nightly_kind(monkeypatch):
    monkeypatch.setattr(registry, "nightly_kinds", set())
    job_handler("test.nightly", label=_("Nightly"), is_nightly=True)(lambda *, job: {})
    yield
    del registry.handler_by_kind["test.nightly"], registry.queue_by_kind["test.nightly"]


def kinds(tenant):
    with tenant_scope(tenant):
        return list(Job.objects.values_list("kind", flat=True))


def test_each_tenant_gets_its_jobs_in_its_own_night(tenant, other_tenant):
    assert nightly_jobs.start_due(at=NEW_YORK_NIGHT) == 1
    assert (kinds(tenant), kinds(other_tenant)) == (["test.nightly"], [])
    assert nightly_jobs.start_due(at=SHANGHAI_NIGHT) == 1
    assert (kinds(tenant), kinds(other_tenant)) == (["test.nightly"], ["test.nightly"])


def test_a_night_starts_them_once_and_the_next_one_again(tenant):
    assert nightly_jobs.start_due(at=NEW_YORK_NIGHT) == 1
    assert nightly_jobs.start_due(at=NEW_YORK_NIGHT + timedelta(hours=1)) == 0
    assert nightly_jobs.start_due(at=NEW_YORK_NIGHT + timedelta(hours=24)) == 1


def test_a_suspended_tenant_gets_none(tenant):
    tenant.status = "suspended"
    tenant.save()
    assert nightly_jobs.start_due(at=NEW_YORK_NIGHT) == 0


def test_the_night_the_clock_jumps_still_has_an_hour_for_it(tenant):
    # 2026-03-08: two o'clock does not exist in New York, three does.
    assert nightly_jobs.start_due(at=datetime(2026, 3, 8, 7, 0, tzinfo=UTC)) == 1

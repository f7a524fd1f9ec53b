"""A job shows that it lives without saying anything, and belongs to one worker at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.translation import gettext_lazy as _

from tenants.domain.actors import Actor
from tenants.models import Job, Tenant
from tenants.queue import job_handler, registry
from tenants.scope import tenant_scope
from tenants.services import jobs
from tenants.services.heartbeats import Attempt, Heartbeat
from tests.conftest import NOW
from tests.processes import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "platform"])

KIND = "test.heartbeats"


@pytest.fixture
def handle(monkeypatch: Any) -> Iterator[Callable[[Any], None]]:
    """Sets what the test's kind of job does."""
    monkeypatch.setattr("tenants.queue.send", lambda *_message: None)
    yield job_handler(KIND, label=_("Test"))
    for known in (registry.handler_by_kind, registry.queue_by_kind, registry.words_by_kind):
        known.pop(KIND, None)


@pytest.fixture
def job(tenant: Tenant, actor: Actor, handle: Callable[[Any], None]) -> Job:
    handle(lambda *, job: {})
    with tenant_scope(tenant):
        return jobs.start(kind=KIND, params={}, by=actor, at=NOW)


def reload(tenant: Tenant, job: Job) -> Job:
    with tenant_scope(tenant):
        return Job.objects.get(pk=job.pk)


def give_away(tenant: Tenant, job: Job) -> None:
    """Do what the sweeper and another worker do to a job that showed no sign of life."""
    with tenant_scope(tenant):
        Job.objects.filter(pk=job.pk).update(heartbeat_at=NOW)
    assert jobs.sweep(at=NOW + timedelta(minutes=2), resend_after=timedelta(days=1)) == 1
    with tenant_scope(tenant):
        Job.objects.filter(pk=job.pk).update(state="running", attempts=2)


def test_a_job_lives_although_it_says_nothing(tenant: Tenant, job: Job) -> None:
    with tenant_scope(tenant):
        Job.objects.filter(pk=job.pk).update(state="running", attempts=1, heartbeat_at=NOW)
    with Heartbeat(Attempt(tenant.pk, job.pk, 1), beat_seconds=0.02):
        wait_until(lambda: reload(tenant, job).heartbeat_at > NOW)


def test_the_signs_end_with_the_attempt(tenant: Tenant, job: Job) -> None:
    with tenant_scope(tenant):
        Job.objects.filter(pk=job.pk).update(state="running", attempts=2, heartbeat_at=NOW)
    beat = Heartbeat(Attempt(tenant.pk, job.pk, 1), beat_seconds=0.01)
    with beat:
        beat._thread.join(PATIENCE_SECONDS)
        assert not beat._thread.is_alive()
    assert reload(tenant, job).heartbeat_at == NOW


def test_a_worker_that_was_stopped_finds_its_job_gone(
    tenant: Tenant, job: Job, handle: Callable[[Any], None]
) -> None:
    went_on = []

    def work(*, job: Any) -> dict[str, Any]:
        give_away(tenant, row)
        job.progress(1, 2, "mine?")
        went_on.append(job)
        return {}

    row = job
    handle(work)
    assert jobs.run(tenant_id=tenant.pk, job_id=job.pk) is None
    found = reload(tenant, job)
    assert (went_on, found.state, found.attempts, found.message, found.done) == ([], "running", 2, "", 0)


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_late_end_does_not_overwrite_the_next_attempt(
    tenant: Tenant, job: Job, handle: Callable[[Any], None], ends: str
) -> None:
    def work(**_context: Any) -> dict[str, Any]:
        give_away(tenant, job)
        if ends == "badly":
            raise ZeroDivisionError
        return {"rows": 3}

    handle(work)
    assert jobs.run(tenant_id=tenant.pk, job_id=job.pk) is None
    found = reload(tenant, job)
    assert (found.state, found.result, found.error, found.finished_at) == ("running", {}, "", None)


def test_a_job_that_shows_itself_while_the_sweeper_looks_is_kept(
    tenant: Tenant, job: Job, monkeypatch: Any
) -> None:
    with tenant_scope(tenant):
        Job.objects.filter(pk=job.pk).update(state="running", attempts=1, heartbeat_at=NOW)

    def lock_late(job_id: int) -> Job:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tenants_job SET heartbeat_at = %s WHERE id = %s", [NOW + timedelta(minutes=5), job_id]
            )
        return Job.objects.select_for_update().get(pk=job_id)

    monkeypatch.setattr(jobs, "lock_job", lock_late)
    jobs.sweep(at=NOW + timedelta(minutes=5))
    assert reload(tenant, job).state == "running"

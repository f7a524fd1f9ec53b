from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.translation import gettext_lazy as _

from tenants.errors import DomainError, InvalidInput
from tenants.models import AuditEntry, Job
from tenants.queue import job_handler, registry, shard_queue
from tenants.scope import has_active_tenant, tenant_scope
from tenants.services import jobs
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


class Refused(DomainError):
    code = "refused"
    title = "It was refused"


@pytest.fixture
def handler():
    """Registers handlers for the test and takes them away again."""
    kinds: list[str] = []

    def register(kind, function):
        kinds.append(kind)
        job_handler(kind, label=_("Test"))(function)

    yield register
    for kind in kinds:
        del registry.handler_by_kind[kind], registry.queue_by_kind[kind]


@pytest.fixture
def sent(monkeypatch):
    messages: list[tuple[str, str, dict[str, int]]] = []
    monkeypatch.setattr("tenants.queue.send", lambda name, queue, ids: messages.append((name, queue, ids)))
    return messages


def start(tenant, actor, kind="test.work", params=None):
    with tenant_scope(tenant):
        return jobs.start(kind=kind, params=params or {}, by=actor, at=NOW)


def reload(tenant, job):
    with tenant_scope(tenant):
        return Job.objects.get(pk=job.pk)


def test_a_job_is_sent_after_the_commit_with_ids_only(
    tenant, actor, handler, sent, django_capture_on_commit_callbacks
):
    handler("test.work", lambda *, job: {})
    with django_capture_on_commit_callbacks(execute=True):
        job = start(tenant, actor, params={"secret": "stays in the row"})
    queue = shard_queue("default", tenant.pk)
    assert sent == [("tenants.run_job", queue, {"tenant_id": tenant.pk, "job_id": job.pk})]


def test_a_job_runs_once_without_a_scope_and_keeps_its_result(tenant, actor, handler, sent):
    seen = []
    handler("test.work", lambda *, job: seen.append((job.params, has_active_tenant())) or {"rows": 3})
    job = start(tenant, actor, params={"n": 3})
    jobs.run(tenant_id=tenant.pk, job_id=job.pk)
    assert jobs.run(tenant_id=tenant.pk, job_id=job.pk) is None
    assert seen == [({"n": 3}, False)]
    done = reload(tenant, job)
    assert (done.state, done.result, done.attempts) == ("succeeded", {"rows": 3}, 1)
    assert done.share_done == 1.0


def test_a_domain_error_is_told_plainly_and_a_crash_with_its_trace(tenant, actor, handler, sent):
    def refuse(*, job):
        raise Refused("No customers yet.")

    def crash(*, job):
        raise ZeroDivisionError("division by zero")

    handler("test.refuse", refuse)
    handler("test.crash", crash)
    refused, crashed = start(tenant, actor, "test.refuse"), start(tenant, actor, "test.crash")
    for job in (refused, crashed):
        jobs.run(tenant_id=tenant.pk, job_id=job.pk)
    assert (reload(tenant, refused).state, reload(tenant, refused).error) == ("failed", "No customers yet.")
    assert reload(tenant, crashed).message == "division by zero"
    assert "ZeroDivisionError" in reload(tenant, crashed).error


def test_a_kind_nobody_handles_is_refused(tenant, actor):
    with pytest.raises(InvalidInput, match="no job of kind"):
        start(tenant, actor, "test.unknown")


def test_a_queued_job_is_cancelled_at_once_and_never_runs(tenant, actor, handler, sent):
    handler("test.work", lambda *, job: pytest.fail("it ran"))
    job = start(tenant, actor)
    with tenant_scope(tenant):
        jobs.cancel(job=job, by=actor, at=NOW)
    assert jobs.run(tenant_id=tenant.pk, job_id=job.pk) is None
    assert reload(tenant, job).state == "cancelled"


def test_another_tenant_cannot_run_a_job(tenant, other_tenant, actor, handler, sent):
    handler("test.work", lambda *, job: {})
    job = start(tenant, actor)
    with pytest.raises(Job.DoesNotExist):
        jobs.run(tenant_id=other_tenant.pk, job_id=job.pk)
    assert reload(tenant, job).state == "queued"


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_the_sweeper_sends_lost_messages_again_and_requeues_lost_workers(
    tenant, other_tenant, actor, handler, sent
):
    handler("test.work", lambda *, job: {})
    lost, fresh, orphan = (start(tenant, actor) for _ in range(3))
    with tenant_scope(tenant):
        Job.objects.filter(pk=fresh.pk).update(sent_at=NOW + timedelta(minutes=29))
        Job.objects.filter(pk=orphan.pk).update(state="running", attempts=1, heartbeat_at=NOW)
    sent.clear()
    assert jobs.sweep(at=NOW + timedelta(minutes=30)) == 2
    assert sorted(ids["job_id"] for _, _, ids in sent) == [lost.pk, orphan.pk]
    assert reload(tenant, orphan).state == "queued"


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_a_worker_lost_three_times_fails_the_job(tenant, actor, handler, sent):
    handler("test.work", lambda *, job: {})
    job = start(tenant, actor)
    with tenant_scope(tenant):
        Job.objects.filter(pk=job.pk).update(state="running", attempts=3, heartbeat_at=NOW)
    jobs.sweep(at=NOW + timedelta(hours=1))
    assert reload(tenant, job).state == "failed"


def test_starting_a_job_is_audited(tenant, actor, handler, sent):
    handler("test.work", lambda *, job: {})
    job = start(tenant, actor)
    with tenant_scope(tenant):
        entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_id, entry.actor_label) == (
        "job.started",
        str(job.public_id),
        actor.label,
    )


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_progress_is_seen_while_the_work_is_uncommitted_and_cancelling_stops_it(tenant, actor, handler, sent):
    seen = []

    def work(*, job):
        with tenant_scope(job.tenant):
            job.progress(1, 4, "a quarter")
            seen.append(Job.objects.values_list("done", "total", "message").get())
            jobs.cancel(job=Job.objects.get(), by=actor, at=NOW)
        job.progress(2, 4, "half")
        return {}

    handler("test.work", work)
    job = start(tenant, actor)
    jobs.run(tenant_id=tenant.pk, job_id=job.pk)
    assert seen == [(1, 4, "a quarter")]
    assert reload(tenant, job).state == "cancelled"

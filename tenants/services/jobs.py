"""Jobs: long work as a row with state and progress, run by a worker, swept when message or worker is lost."""

from __future__ import annotations

import traceback
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connections
from django.utils import timezone

from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import DomainError, InvalidInput
from tenants.locks import lock_job
from tenants.models import Job, Tenant
from tenants.queue import JobContext, enqueue, registry
from tenants.scope import tenant_scope
from tenants.services import audit
from tenants.services.heartbeats import Attempt, Heartbeat, JobCancelled, JobLost, progress_writer

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 3
RESEND_AFTER = timedelta(seconds=60)
# Six signs of life in a row are missing: see ``heartbeats``.
LOST_AFTER = timedelta(seconds=60)


def start(*, kind: str, params: dict[str, Any], by: Actor, at: datetime) -> Job:
    """Create a job of ``kind`` and send it to a worker after the commit. Raises ``InvalidInput``."""
    if kind not in registry.handler_by_kind:
        raise InvalidInput(f"There is no job of kind “{kind}”.")
    job: Job = Job.objects.create(
        kind=kind, params=params, requested_by=by.label[:254], created_at=at, sent_at=at
    )
    audit.record(action="job.started", target=job, by=by, at=at, diff={"kind": [None, kind]})
    enqueue("tenants.run_job", queue=registry.queue_by_kind[kind], job_id=job.pk)
    return job


def cancel(*, job: Job, by: Actor, at: datetime) -> Job:
    """Cancel a queued job at once; ask a running one to stop at its next progress call."""
    locked = lock_job(job.pk)
    if locked.state == Job.State.QUEUED:
        locked.state, locked.finished_at = Job.State.CANCELLED, at
    locked.is_cancel_requested = True
    locked.save(update_fields=["state", "finished_at", "is_cancel_requested"])
    audit.record(action="job.cancelled", target=locked, by=by, at=at)
    return locked


def run(*, tenant_id: int, job_id: int) -> Job | None:
    """Run a queued job to its end and return it; None when it is not waiting any more, or has been lost."""
    tenant = Tenant.objects.get(pk=tenant_id)
    job = _claim(tenant, job_id)
    if job is None:
        return None
    attempt = Attempt(tenant_id, job_id, job.attempts)
    context = JobContext(
        tenant=tenant,
        params=job.params,
        actor=SYSTEM,
        at=timezone.now(),
        progress=progress_writer(attempt),
    )
    try:
        with Heartbeat(attempt):
            result = registry.handler_by_kind[job.kind](job=context)
    except JobLost:
        log.warning("job.lost", kind=job.kind, job_id=job_id, tenant_id=tenant_id, attempt=attempt.number)
        return None
    except JobCancelled:
        return _finish(tenant, attempt, Job.State.CANCELLED, {})
    except Exception as error:
        log.exception("job.failed", kind=job.kind, job_id=job_id, tenant_id=tenant_id)
        return _finish(tenant, attempt, Job.State.FAILED, {}, error)
    return _finish(tenant, attempt, Job.State.SUCCEEDED, result)


def _claim(tenant: Tenant, job_id: int) -> Job | None:
    with tenant_scope(tenant):
        job = lock_job(job_id)
        if job.state != Job.State.QUEUED:
            return None
        job.state, job.attempts = Job.State.RUNNING, job.attempts + 1
        job.started_at = job.heartbeat_at = timezone.now()
        job.save(update_fields=["state", "attempts", "started_at", "heartbeat_at"])
        return job


def _finish(
    tenant: Tenant, attempt: Attempt, state: Job.State, result: dict[str, Any], error: Exception | None = None
) -> Job | None:
    with tenant_scope(tenant):
        job = lock_job(attempt.job_id)
        if (job.state, job.attempts) != (Job.State.RUNNING, attempt.number):
            # Another worker has it, or has finished it.
            return None
        job.state, job.result, job.finished_at = state, result, timezone.now()
        if error is not None:
            job.message = str(error)[:300] or type(error).__name__
            is_expected = isinstance(error, DomainError)
            job.error = str(error) if is_expected else "".join(traceback.format_exception(error))[-8000:]
        job.save(update_fields=["state", "result", "finished_at", "message", "error"])
        return job


def sweep(*, at: datetime, resend_after: timedelta = RESEND_AFTER, lost_after: timedelta = LOST_AFTER) -> int:
    """Send queued jobs again whose message was lost, requeue those whose worker died; return how many.

    One query over all tenants finds them, so the cost follows the trouble and not the number of tenants.
    Who knows that no worker is alive passes zero for both.
    """
    with connections["platform"].cursor() as cursor:
        cursor.execute(
            """SELECT tenant_id, id FROM tenants_job
               WHERE (state = 'queued' AND sent_at < %s) OR (state = 'running' AND heartbeat_at < %s)
               ORDER BY tenant_id, id""",
            [at - resend_after, at - lost_after],
        )
        stale = cursor.fetchall()
    for tenant_id, job_id in stale:
        with tenant_scope(tenant_id):
            _send_again(job_id, at, sent_before=at - resend_after, alive_before=at - lost_after)
    return len(stale)


def _send_again(job_id: int, at: datetime, *, sent_before: datetime, alive_before: datetime) -> None:
    job = lock_job(job_id)
    last = {Job.State.QUEUED: (job.sent_at, sent_before), Job.State.RUNNING: (job.heartbeat_at, alive_before)}
    seen, limit = last.get(Job.State(job.state), (None, at))
    if seen is None or seen >= limit:
        # It has shown itself, or ended, since the query.
        return
    if job.state == Job.State.RUNNING and job.attempts >= MAX_ATTEMPTS:
        job.state, job.finished_at = Job.State.FAILED, at
        job.message = "The worker was lost three times."
    else:
        job.state, job.sent_at = Job.State.QUEUED, at
        enqueue("tenants.run_job", queue=registry.queue_by_kind.get(job.kind, "default"), job_id=job_id)
    job.save(update_fields=["state", "sent_at", "finished_at", "message"])

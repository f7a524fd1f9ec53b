"""Celery tasks of the floor: thin, keyword-only, each calling one service."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from tenants.services import jobs, nightly_jobs, outbox, sign_ups


@shared_task(name="tenants.run_job")
def run_job(*, tenant_id: int, job_id: int) -> None:
    jobs.run(tenant_id=tenant_id, job_id=job_id)


@shared_task(name="tenants.deliver_outbox")
def deliver_outbox(*, tenant_id: int, message_id: int) -> None:
    outbox.deliver(tenant_id=tenant_id, message_id=message_id, at=timezone.now())


@shared_task(name="tenants.relay_outbox")
def relay_outbox() -> None:
    outbox.relay(at=timezone.now())


@shared_task(name="tenants.sweep_jobs")
def sweep_jobs() -> None:
    jobs.sweep(at=timezone.now())


@shared_task(name="tenants.purge_sign_ups")
def purge_sign_ups() -> None:
    sign_ups.purge(at=timezone.now())


@shared_task(name="tenants.start_nightly_jobs")
def start_nightly_jobs() -> None:
    nightly_jobs.start_due(at=timezone.now())

"""The only place of this app with row and advisory locks."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from tenants.models import ApiKey, IdempotencyRecord, Job, Membership, OutboxMessage, SignUp
from tenants.scope import active_tenant_id

_NIGHT_LOCK = 7_201_472


def lock_outbox_message(message_id: int) -> OutboxMessage | None:
    """Lock a pending message, or return None when it is done or somebody else has it."""
    pending = OutboxMessage.objects.filter(pk=message_id, state=OutboxMessage.State.PENDING)
    message: OutboxMessage | None = pending.select_for_update(skip_locked=True).first()
    return message


def lock_job(job_id: int) -> Job:
    job: Job = Job.objects.select_for_update().get(pk=job_id)
    return job


def lock_memberships() -> list[Membership]:
    """Lock all memberships of the tenant, so that two changes cannot both remove "the other" owner."""
    return list(Membership.objects.select_for_update().order_by("pk"))


def lock_api_key(api_key_id: int) -> ApiKey:
    key: ApiKey = ApiKey.objects.select_for_update().get(pk=api_key_id)
    return key


def lock_sign_up(public_id: UUID) -> SignUp | None:
    return SignUp.objects.select_for_update().filter(public_id=public_id).first()


def lock_idempotency_record(key: str, endpoint: str) -> IdempotencyRecord:
    record: IdempotencyRecord = IdempotencyRecord.objects.select_for_update().get(key=key, endpoint=endpoint)
    return record


def lock_night() -> None:
    """Let one process at a time look which nightly jobs are due, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::integer)", [_NIGHT_LOCK, active_tenant_id()]
        )

"""The audit log: written by services, in the transaction of what it records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from tenants.domain.actors import Actor
from tenants.models import AuditEntry


def record(
    *, action: str, target: models.Model, by: Actor, at: datetime, diff: dict[str, Any] | None = None
) -> AuditEntry:
    """Write down that ``by`` did ``action`` to ``target``; ``diff`` maps fields to [before, after]."""
    return AuditEntry.objects.create(
        at=at,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_label=by.label[:254],
        action=action,
        target_type=target._meta.label_lower,
        target_id=str(getattr(target, "public_id", target.pk)),
        target_label=str(target)[:254],
        diff=diff or {},
        address=by.address,
        request_id=by.request_id,
    )

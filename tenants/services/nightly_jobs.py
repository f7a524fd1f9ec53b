"""Jobs that every tenant gets once a night, by its own clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from tenants.domain.actors import SYSTEM
from tenants.locks import lock_night
from tenants.models import Job, Tenant
from tenants.queue import registry
from tenants.scope import for_each_tenant
from tenants.services import jobs

# Three hours, so that a scheduler that was down for two of them still starts the night's work.
NIGHT_HOURS = range(2, 5)
# Shorter than any night is from the next, longer than a night: daylight saving makes days of 23 hours.
ONCE_IN = timedelta(hours=20)


def start_due(*, at: datetime) -> int:
    """Start what is due for the tenants whose night it is; return how many jobs. Safe to repeat."""
    return sum(_start_due_of(tenant, at) for tenant in for_each_tenant() if is_night(tenant, at))


def is_night(tenant: Tenant, at: datetime) -> bool:
    """Tell whether it is night where the tenant is."""
    return at.astimezone(tenant.zone).hour in NIGHT_HOURS


def _start_due_of(tenant: Tenant, at: datetime) -> int:
    lock_night()
    tonight = Job.objects.filter(params={}, created_at__gt=at - ONCE_IN)
    started = set(tonight.filter(requested_by=SYSTEM.label).values_list("kind", flat=True))
    due = sorted(registry.nightly_kinds - started)
    for kind in due:
        jobs.start(kind=kind, params={}, by=SYSTEM, at=at)
    return len(due)

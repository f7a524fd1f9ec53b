"""When models are trained without being asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from crm.models import Order
from recommendations.models import ModelVersion
from recommendations.queries.model_versions import TRAINING_JOB, training_jobs_open
from tenants.domain.actors import SYSTEM
from tenants.models import Job
from tenants.scope import for_each_tenant
from tenants.services import jobs

RETRAIN_AFTER = timedelta(hours=20)


def retrain_due(*, at: datetime) -> int:
    """Start a training for every tenant whose newest run is a day old and who has orders; return how many."""
    started = 0
    for _tenant in for_each_tenant():
        if _is_due(at):
            jobs.start(kind=TRAINING_JOB, params={"model": "all"}, by=SYSTEM, at=at)
            started += 1
    return started


def _is_due(at: datetime) -> bool:
    if training_jobs_open() or not Order.objects.exists():
        return False
    recent = at - RETRAIN_AFTER
    tried = Job.objects.filter(kind=TRAINING_JOB, params__model="all", created_at__gt=recent)
    # Runs of single kinds do not count as a round of all; the newest round or a fresh set of versions does.
    fresh = ModelVersion.objects.filter(trained_at__gt=recent).values("kind").distinct()
    return not tried.exists() and fresh.count() == 0

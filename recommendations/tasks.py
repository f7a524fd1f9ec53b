"""Jobs and scheduled tasks of this app: thin, each calling one service."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recommendations.models import ModelKind
from recommendations.queries.model_versions import TRAINING_JOB
from recommendations.services import schedule, training
from tenants.queue import JobContext, job_handler


def _model_of(params: dict[str, Any]) -> object:
    """Return the model that a training is about, in words."""
    kind = params.get("model", "all")
    return ModelKind(kind).label if kind in ModelKind.values else ""


@job_handler(TRAINING_JOB, label=_("Train a model"), about=_model_of, queue="ml")
def train(*, job: JobContext) -> dict[str, Any]:
    kind = job.params.get("model", "all")
    if kind == "all":
        return training.train_all(tenant=job.tenant, by=job.actor, at=job.at, progress=job.progress)
    return training.train(tenant=job.tenant, kind=kind, by=job.actor, at=job.at, progress=job.progress)


@shared_task(name="recommendations.retrain_due")
def retrain_due() -> None:
    schedule.retrain_due(at=timezone.now())

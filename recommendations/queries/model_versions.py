"""What is known about the trained models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from recommendations.models import ModelKind, ModelVersion, VersionState
from tenants.models import Job

TRAINING_JOB = "recommendations.train"


@dataclass(frozen=True, slots=True)
class ModelOverview:
    """One kind of model: the version in use, the newest run, and the runs before."""

    kind: ModelKind
    active: ModelVersion | None
    newest: ModelVersion | None
    versions: tuple[ModelVersion, ...]

    @property
    def trained_at(self) -> datetime | None:
        """When the model in use learnt."""
        return self.active.trained_at if self.active else None

    @property
    def compared(self) -> tuple[tuple[str, float, float | None], ...]:
        """(measure, value, baseline) of the version in use; those with a baseline first."""
        if self.active is None:
            return ()
        baselines = self.active.baselines
        rows = [(name, value, baselines.get(name)) for name, value in self.active.metrics.items()]
        return tuple(sorted(rows, key=lambda row: (row[2] is None, row[0])))


def versions(kind: str | None = None) -> QuerySet[ModelVersion]:
    """All runs, newest first."""
    rows = ModelVersion.objects.order_by("-id")
    return rows.filter(kind=kind) if kind else rows


def active(kind: str) -> ModelVersion | None:
    """The version of `kind` in use."""
    found: ModelVersion | None = ModelVersion.objects.filter(kind=kind, state=VersionState.ACTIVE).first()
    return found


def overview(*, most: int = 10) -> list[ModelOverview]:
    """Every kind with its newest runs, in one query: what a models page shows."""
    by_kind: dict[str, list[ModelVersion]] = {kind: [] for kind in ModelKind.values}
    for version in versions():
        by_kind[version.kind].append(version)
    return [
        ModelOverview(
            kind=kind,
            active=next((version for version in by_kind[kind] if version.state == VersionState.ACTIVE), None),
            newest=next(iter(by_kind[kind]), None),
            versions=tuple(by_kind[kind][:most]),
        )
        for kind in ModelKind
    ]


def training_jobs_open() -> bool:
    """Whether a training waits or runs."""
    return bool(Job.objects.filter(kind=TRAINING_JOB).exclude(state__in=Job.FINISHED).exists())

"""Writing down training runs and switching to the better ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from recommendations.locks import lock_versions
from recommendations.models import ModelVersion, VersionState
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.services import audit

if TYPE_CHECKING:
    from recommendations.ml.artefacts import Artefact, Contents
    from recommendations.ml.trained import Trained

log = structlog.get_logger(__name__)
LIBRARIES = ("numpy", "scipy", "scikit-learn", "implicit")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A finished training, ready to be written down."""

    kind: str
    cut_off_on: date
    trained: Trained
    artefact: Artefact
    seconds: float


def record(*, run: Run, by: Actor, at: datetime) -> ModelVersion:
    """Write the run down; where the gate accepted it, it replaces the active version in the same moment."""
    earlier = lock_versions(run.kind)
    accepted = run.trained.verdict.accepted
    if accepted:
        for version in earlier:
            if version.state == VersionState.ACTIVE:
                version.state = VersionState.RETIRED
                version.save(update_fields=["state"])
    version = ModelVersion.objects.create(
        kind=run.kind,
        number=max((version.number for version in earlier), default=0) + 1,
        state=VersionState.ACTIVE if accepted else VersionState.REJECTED,
        method=run.trained.method,
        cut_off_on=run.cut_off_on,
        rows=run.trained.rows,
        customers=run.trained.customers,
        items=run.trained.items,
        parameters=run.trained.parameters,
        metrics=run.trained.metrics,
        baselines=run.trained.baselines,
        gate_reason=run.trained.verdict.reason,
        gate_report=str(run.trained.verdict),
        libraries={name: metadata.version(name) for name in LIBRARIES},
        artefact_path=str(run.artefact.path.relative_to(settings.ARTEFACT_ROOT)),
        artefact_sha256=run.artefact.sha256,
        artefact_bytes=run.artefact.size_bytes,
        duration_seconds=round(run.seconds, 3),
        trained_by=by.label[:254],
        trained_at=at,
        activated_at=at if accepted else None,
    )
    audit.record(
        action="model.activated" if accepted else "model.rejected",
        target=version,
        by=by,
        at=at,
        diff={"report": [None, version.gate_report]},
    )
    return version


def store_artefact(*, tenant: Tenant, contents: Contents) -> Artefact:
    """Put the model's file into the tenant's folder."""
    from recommendations.ml import artefacts  # noqa: PLC0415 - slow to import

    return artefacts.save(Path(settings.ARTEFACT_ROOT) / str(tenant.pk), contents)


def load_artefact(version: ModelVersion) -> Contents:
    """Read a version's file; raises ArtefactDamaged or FileNotFoundError."""
    from recommendations.ml import artefacts  # noqa: PLC0415 - slow to import

    return artefacts.load(Path(settings.ARTEFACT_ROOT) / version.artefact_path, version.artefact_sha256)


def stored_contents(current: ModelVersion | None) -> Contents | None:
    """Return the file of the version in use; a lost or damaged one must not stop its successor."""
    from recommendations.ml.artefacts import ArtefactDamaged, ArtefactTooLarge  # noqa: PLC0415 - slow to import

    if current is None:
        return None
    try:
        return load_artefact(current)
    except (FileNotFoundError, ArtefactDamaged, ArtefactTooLarge) as error:
        log.warning("model.artefact_unreadable", version=current.label, error=str(error))
        return None

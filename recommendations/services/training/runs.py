"""One training run, from the tenant's rows to what the rest of the product sees."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

import structlog

from recommendations.models import ModelKind, ModelVersion
from recommendations.queries import model_versions
from recommendations.services import model_versions as version_services
from tenants.domain.actors import Actor
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from recommendations.ml.trained import Trained

log = structlog.get_logger(__name__)
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit with what must be written when the gate accepts it."""

    trained: Trained
    cut_off_on: date
    publish: Callable[[ModelVersion, datetime], dict[str, Any]]


class Trainer(Protocol):
    """A module of this package: how one kind of model is read, fitted and published."""

    def read(self, tenant: Tenant) -> Any:
        """Inside a scope: everything the fit needs."""

    def fit(self, tenant: Tenant, data: Any, current: ModelVersion | None) -> Fitted:
        """Outside any scope: compute. Raises NotEnoughData."""


def train(
    *, tenant: Tenant, kind: str, by: Actor, at: datetime, progress: Progress | None = None
) -> dict[str, Any]:
    """Train one kind of model and return what happened; must be called outside any scope.

    A tenant with too little history is no error: the outcome is then `skipped` with the reason.
    """
    # Loading the trainer imports scikit-learn, which web processes never need.
    from recommendations.ml.trained import NotEnoughData  # noqa: PLC0415

    report = progress or _silent
    trainer = _trainer(kind)
    started = time.perf_counter()
    report(0, 3, f"{kind}: reading")
    with tenant_scope(tenant):
        data = trainer.read(tenant)
        current = model_versions.active(kind)
    report(1, 3, f"{kind}: fitting")
    try:
        fitted = trainer.fit(tenant, data, current)
    except NotEnoughData as young:
        log.info("model.skipped", kind=kind, tenant_id=tenant.pk, reason=str(young))
        return {"model": kind, "outcome": "skipped", "reason": str(young)}
    artefact = version_services.store_artefact(tenant=tenant, contents=fitted.trained.contents)
    report(2, 3, f"{kind}: writing")
    with tenant_scope(tenant):
        run = version_services.Run(
            kind, fitted.cut_off_on, fitted.trained, artefact, time.perf_counter() - started
        )
        version = version_services.record(run=run, by=by, at=at)
        written = fitted.publish(version, at) if fitted.trained.verdict.accepted else {}
    seconds = round(time.perf_counter() - started, 3)
    log.info("model.trained", kind=kind, tenant_id=tenant.pk, report=version.gate_report, seconds=seconds)
    report(3, 3, f"{kind}: done")
    return {
        "model": kind,
        "outcome": "activated" if fitted.trained.verdict.accepted else "rejected",
        "version": version.label,
        "method": version.method,
        "report": version.gate_report,
        "metrics": version.metrics,
        "baselines": version.baselines,
        "written": written,
        "seconds": seconds,
    }


def train_all(*, tenant: Tenant, by: Actor, at: datetime, progress: Progress | None = None) -> dict[str, Any]:
    """Train every kind, one after the other; the outcomes by kind."""
    report = progress or _silent
    outcomes = {}
    for number, kind in enumerate(ModelKind.values):
        report(number, len(ModelKind.values), kind)
        outcomes[kind] = train(tenant=tenant, kind=kind, by=by, at=at)
    report(len(ModelKind.values), len(ModelKind.values), "")
    return {"models": outcomes}


def _trainer(kind: str) -> Trainer:
    if kind not in ModelKind.values:
        raise InvalidInput(f"There is no model “{kind}”; there are {', '.join(ModelKind.values)}.")
    return cast("Trainer", import_module(f"recommendations.services.training.{kind}"))


def _silent(done: int, total: int, message: str) -> None:
    """Nobody watches."""

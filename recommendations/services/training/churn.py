"""Who is about to stay away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from crm.services import traits
from recommendations.ml.artefacts import ArtefactDamaged, ArtefactTooLarge, Contents
from recommendations.ml.churn_training import ChurnRisk, train_churn
from recommendations.models import ModelVersion
from recommendations.queries.training_data import CustomerPurchases, customer_purchases
from recommendations.services.model_versions import load_artefact
from recommendations.services.training.runs import Fitted
from tenants.models import Tenant

log = structlog.get_logger(__name__)


def read(tenant: Tenant) -> CustomerPurchases:
    return customer_purchases(tenant)


def fit(tenant: Tenant, data: CustomerPurchases, current: ModelVersion | None) -> Fitted:
    """Fit from closed windows, or from the process alone; publishing writes `churn_risk`."""
    trained, risk = train_churn(data.history, data.today, _stored(current))

    def publish(version: ModelVersion, at: datetime) -> dict[str, Any]:
        return _write(data, risk, version, at)

    return Fitted(trained, data.cut_off_on, publish)


def _stored(current: ModelVersion | None) -> Contents | None:
    """The model in use; a lost or damaged file must not stop its successor."""
    if current is None:
        return None
    try:
        return load_artefact(current)
    except (FileNotFoundError, ArtefactDamaged, ArtefactTooLarge) as error:
        log.warning("model.artefact_unreadable", version=current.label, error=str(error))
        return None


def _write(data: CustomerPurchases, risk: ChurnRisk, version: ModelVersion, at: datetime) -> dict[str, Any]:
    customers = data.customer_ids[risk.rows].tolist()
    traits.write_many(
        name="churn_risk",
        values=dict(zip(customers, risk.risk.round(4).tolist(), strict=True)),
        model_version=version.label,
        at=at,
        replace=True,
    )
    return {"traits": ["churn_risk"], "customers": len(customers)}

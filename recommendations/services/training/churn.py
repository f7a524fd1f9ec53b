"""Who is about to stay away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm.services import traits
from recommendations.ml.churn_training import ChurnRisk, train_churn
from recommendations.models import ModelVersion
from recommendations.queries.training_data import CustomerPurchases, customer_purchases
from recommendations.services.model_versions import stored_contents
from recommendations.services.training.runs import Fitted
from tenants.models import Tenant


def read(tenant: Tenant) -> CustomerPurchases:
    """Read what the model learns from; nothing is kept open meanwhile."""
    return customer_purchases(tenant)


def fit(tenant: Tenant, data: CustomerPurchases, current: ModelVersion | None) -> Fitted:
    """Fit from closed windows, or from the process alone; publishing writes `churn_risk`."""
    trained, risk = train_churn(data.history, data.today, stored_contents(current))

    def publish(version: ModelVersion, at: datetime) -> dict[str, Any]:
        return _write(data, risk, version, at)

    return Fitted(trained, data.cut_off_on, publish)


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

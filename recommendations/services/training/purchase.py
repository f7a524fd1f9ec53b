"""How many purchases to come, and what they are worth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm.services import traits
from recommendations.ml.purchase_training import PurchaseForecast, train_purchase
from recommendations.models import ModelVersion
from recommendations.queries.training_data import CustomerPurchases, customer_purchases
from recommendations.services.training.runs import Fitted
from tenants.models import Tenant


def read(tenant: Tenant) -> CustomerPurchases:
    """Read what the model learns from; nothing is kept open meanwhile."""
    return customer_purchases(tenant)


def fit(tenant: Tenant, data: CustomerPurchases, current: ModelVersion | None) -> Fitted:
    """Fit the process; publishing writes its traits on each customer."""
    trained, forecast = train_purchase(data.history, data.today, current.parameters if current else None)

    def publish(version: ModelVersion, at: datetime) -> dict[str, Any]:
        return _write(data, forecast, version, at)

    return Fitted(trained, data.cut_off_on, publish)


def _write(
    data: CustomerPurchases, forecast: PurchaseForecast, version: ModelVersion, at: datetime
) -> dict[str, Any]:
    customers = data.customer_ids[forecast.rows].tolist()
    values_by_name = {
        "purchase_probability_90d": forecast.probability.round(4),
        "expected_purchases_90d": forecast.expected.round(2),
        "probability_alive": forecast.alive.round(4),
        "predicted_value_minor": forecast.value_minor,
    }
    for name, values in values_by_name.items():
        traits.write_many(
            name=name,
            values=dict(zip(customers, values.tolist(), strict=True)),
            model_version=version.label,
            at=at,
            replace=True,
        )
    return {"traits": list(values_by_name), "customers": len(customers)}

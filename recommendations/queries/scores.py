"""What the models say about customers, for their profiles."""

from __future__ import annotations

from typing import Any

from crm.models import ComputedTrait

SCORE_TRAITS = (
    "purchase_probability_90d",
    "expected_purchases_90d",
    "probability_alive",
    "predicted_value_minor",
    "churn_risk",
    "customer_group",
)


def scores_of(customer_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Per customer with scores: each value with the version it came from and its moment."""
    rows = ComputedTrait.objects.filter(customer_id__in=customer_ids, name__in=SCORE_TRAITS)
    found: dict[int, dict[str, Any]] = {}
    for customer_id, name, number, text, version, computed_at in rows.values_list(
        "customer_id", "name", "number", "text", "model_version", "computed_at"
    ):
        found.setdefault(customer_id, {})[name] = {
            "value": text if number is None else number,
            "model_version": version,
            "computed_at": computed_at,
        }
    return found

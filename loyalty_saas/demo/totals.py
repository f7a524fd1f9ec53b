"""How much of everything a tenant has after the pipeline."""

from __future__ import annotations

from django.apps import apps
from django.db.models import Sum

from tenants.models import Tenant
from tenants.scope import tenant_scope

_COUNTED = {
    "customers": "crm.Customer",
    "items": "crm.Item",
    "orders": "crm.Order",
    "order lines": "crm.OrderLine",
    "returns": "crm.Return",
    "events": "crm.Event",
    "quarantined rows": "crm.QuarantinedRow",
    "segments": "crm.Segment",
    "ledger entries": "rewards.LedgerEntry",
    "recommendation lists": "recommendations.RecommendationList",
}


def count_rows(tenant: Tenant) -> dict[str, int]:
    """Rows of the main tables, and the revenue in minor units."""
    with tenant_scope(tenant):
        counts = {name: apps.get_model(label).objects.count() for name, label in _COUNTED.items()}
        revenue = apps.get_model("crm.Order").objects.aggregate(total=Sum("total_minor"))["total"] or 0
    return {**counts, f"revenue in minor {tenant.currency}": revenue}

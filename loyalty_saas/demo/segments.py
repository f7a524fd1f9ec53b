"""Rule segments of the demonstration: what staff would build first from attributes, orders and scores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.models import Segment
from crm.services import segments
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope


@dataclass(frozen=True, slots=True)
class RuleSegment:
    key: str
    name: str
    description: str
    rule: dict[str, Any]


GROCER_SEGMENTS = (
    RuleSegment(
        "regulars",
        "Regulars",
        "More than two baskets a week, over the whole year",
        {"orders": "count", "op": "gte", "value": 104},
    ),
    RuleSegment(
        "valuable-at-risk",
        "Valuable and at risk",
        "Spent at least 2,000 dollars and is more likely than not to stay away",
        {
            "all": [
                {"orders": "revenue_minor", "op": "gte", "value": 200_000},
                {"trait": "churn_risk", "op": "gte", "value": 0.5},
            ]
        },
    ),
    RuleSegment(
        "families",
        "Families",
        "Households that said they have children",
        {"attribute": "kids_count", "op": "in", "value": ["1", "2", "3+"]},
    ),
)
SANDBOX_SEGMENTS = (
    RuleSegment(
        "likely-buyers",
        "Likely to buy",
        "Will buy within 90 days with a probability of at least one half",
        {"trait": "purchase_probability_90d", "op": "gte", "value": 0.5},
    ),
    RuleSegment(
        "bought-once",
        "Bought once",
        "Has not come back after the first order",
        {"orders": "count", "op": "eq", "value": 1},
    ),
)


def create_missing(tenant: Tenant, wanted: tuple[RuleSegment, ...], *, by: Actor, at: datetime) -> None:
    """Create those that do not exist; the pipeline's last stage fills them."""
    with tenant_scope(tenant):
        present = set(Segment.objects.values_list("key", flat=True))
        for each in wanted:
            if each.key not in present:
                segments.create(
                    key=each.key,
                    name=each.name,
                    kind="rule",
                    rule=each.rule,
                    description=each.description,
                    by=by,
                    at=at,
                )

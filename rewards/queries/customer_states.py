"""What the engine must know of a customer the moment before an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from rewards.domain.engine import CustomerState
from rewards.domain.expiry import month_bounds, month_of
from rewards.domain.programs import Revision
from rewards.domain.tiers import ROLLING_YEAR, standing
from rewards.queries.documents import Document
from tenants.scope import active_tenant_id

# An order's returns lower the order itself, as far as they had come by then.
_BEFORE = """
    SELECT t.id, COUNT(o.id),
           COALESCE(SUM(o.total_minor) FILTER (WHERE o.placed_at > t.placed_at - %(year)s), 0)::bigint
           - COALESCE((SELECT SUM(r.total_minor) FROM crm_return r
                       JOIN crm_order ro ON ro.tenant_id = r.tenant_id AND ro.id = r.order_id
                       WHERE r.tenant_id = %(tenant)s AND ro.customer_id = t.customer_id
                         AND ro.placed_at > t.placed_at - %(year)s
                         AND r.returned_at < t.placed_at), 0)::bigint
    FROM crm_order t
    LEFT JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.customer_id = t.customer_id
        AND (o.placed_at, o.id) < (t.placed_at, t.id)
    WHERE t.tenant_id = %(tenant)s AND t.id = ANY(%(ids)s)
    GROUP BY t.id, t.placed_at, t.customer_id
"""
_RULE_POINTS = """
    SELECT d.customer_id, d.occurred_at, rule ->> 'rule', (rule ->> 'points')::bigint
    FROM rewards_decisionrecord d, jsonb_array_elements(d.record -> 'rules') AS rule
    WHERE d.tenant_id = %(tenant)s AND d.event_type = 'order' AND d.occurred_at >= %(since)s
      AND (%(customers)s::bigint[] IS NULL OR d.customer_id = ANY(%(customers)s))
      AND (rule ->> 'points')::bigint > 0
"""

MonthUsage = dict[tuple[int, tuple[int, int]], dict[str, int]]


def month_usage(
    revision: Revision, *, since: datetime, customer_ids: Sequence[int] | None = None
) -> MonthUsage:
    """Return points by rule for each (customer, local month), from the decisions since a moment."""
    usage: MonthUsage = defaultdict(lambda: defaultdict(int))
    with connection.cursor() as cursor:
        cursor.execute(
            _RULE_POINTS,
            {
                "tenant": active_tenant_id(),
                "since": since,
                "customers": None if customer_ids is None else list(customer_ids),
            },
        )
        for customer_id, occurred_at, rule, points in cursor.fetchall():
            usage[customer_id, month_of(occurred_at, revision.time_zone)][rule] += points
    return usage


def before_orders(revision: Revision, orders: Iterable[Document]) -> dict[int, CustomerState]:
    """Return each order's customer state; an order of the same batch counts for the later ones."""
    wanted = list(orders)
    usage: MonthUsage = {}
    if revision.has_monthly_caps and wanted:
        since = min(month_bounds(order.happened_at, revision.time_zone)[0] for order in wanted)
        usage = month_usage(revision, since=since, customer_ids=[order.customer_id for order in wanted])
    parameters: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "ids": [order.id for order in wanted],
        "year": ROLLING_YEAR,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, parameters)
        known = {order_id: (count, spend) for order_id, count, spend in cursor.fetchall()}
    states = {}
    for order in wanted:
        count, spend = known[order.id]
        tier = standing(revision.tiers, spend).tier
        month = month_of(order.happened_at, revision.time_zone)
        states[order.id] = CustomerState(
            tier=tier.key if tier else None,
            orders_before=count,
            qualifying_spend_minor=spend,
            month_points_by_rule=usage.get((order.customer_id, month), {}),
        )
    return states

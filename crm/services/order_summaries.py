"""Totals over orders per customer, recomputed as a set."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction

from crm.services import customer_touches
from tenants.scope import active_tenant_id

_REFRESH = """
WITH bought AS (
    SELECT customer_id, count(*) AS orders, sum(total_minor) AS revenue, min(placed_at) AS first_at,
           max(placed_at) AS last_at
    FROM crm_order
    WHERE tenant_id = %(tenant)s AND customer_id IS NOT NULL AND (%(all)s OR customer_id = ANY(%(ids)s))
    GROUP BY customer_id
), returned AS (
    SELECT customer_id, sum(total_minor) AS amount, max(returned_at) AS last_at FROM crm_return
    WHERE tenant_id = %(tenant)s AND customer_id IS NOT NULL AND (%(all)s OR customer_id = ANY(%(ids)s))
    GROUP BY customer_id
), gone AS (
    DELETE FROM crm_ordersummary k WHERE k.tenant_id = %(tenant)s
      AND (%(all)s OR k.customer_id = ANY(%(ids)s))
      AND NOT EXISTS (SELECT FROM bought b WHERE b.customer_id = k.customer_id)
), fresh AS (
    INSERT INTO crm_ordersummary AS kept (tenant_id, customer_id, orders_count, revenue_minor, returned_minor,
                                          first_order_at, last_order_at)
    SELECT %(tenant)s, b.customer_id, b.orders, b.revenue, coalesce(r.amount, 0), b.first_at, b.last_at
    FROM bought b LEFT JOIN returned r USING (customer_id)
    ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
        orders_count = excluded.orders_count, revenue_minor = excluded.revenue_minor,
        returned_minor = excluded.returned_minor, first_order_at = excluded.first_order_at,
        last_order_at = excluded.last_order_at
    WHERE (kept.orders_count, kept.revenue_minor, kept.returned_minor, kept.first_order_at,
           kept.last_order_at)
          IS DISTINCT FROM (excluded.orders_count, excluded.revenue_minor, excluded.returned_minor,
                            excluded.first_order_at, excluded.last_order_at)
)
UPDATE crm_customer c SET
    first_seen_at = least(c.first_seen_at, b.first_at),
    last_seen_at = greatest(c.last_seen_at, b.last_at, r.last_at)
FROM bought b LEFT JOIN returned r USING (customer_id)
WHERE c.tenant_id = %(tenant)s AND c.id = b.customer_id
  AND (c.first_seen_at IS NULL OR c.first_seen_at > b.first_at OR c.last_seen_at IS NULL
       OR c.last_seen_at < greatest(b.last_at, r.last_at))
"""


@transaction.atomic
def refresh(customer_ids: Collection[int] | None = None) -> None:
    """Recompute the totals, and the seen dates, of the given customers or of all; segments will follow.

    Who has no order any more has no totals.
    """
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "all": customer_ids is None,
        "ids": sorted(customer_ids) if customer_ids is not None else [],
    }
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, params)
    if customer_ids is None:
        customer_touches.add_everyone()
    else:
        customer_touches.add(customer_ids)

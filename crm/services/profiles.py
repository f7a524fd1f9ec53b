"""Customers' profiles: aggregates of their events and orders, as one statement for those who were touched.

A session ends when nothing happened for half an hour; the time spent is the time between its events. A touch
is an event or an order that says where it came from (``utm_source`` and its kin, or a channel). RFM cells
are fifths of the buyers, on limits that move once a night.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm.domain.hidden_values import NOTHING
from crm.models import Customer
from crm.queries import sensitive
from tenants.models import Tenant
from tenants.scope import active_tenant, active_tenant_id, tenant_scope

CHUNK = 20_000
# The only properties of events that the profile reads, and only while nobody calls them sensitive.
_TOUCHES = ("utm_source", "utm_medium", "utm_campaign", "channel")
# The loops over the customers stop the planner from reading whole partitions for a thousand of them.
_REFRESH = """
WITH seen AS MATERIALIZED (
    SELECT e.customer_id, e.occurred_at, e.name,
           nullif(concat_ws(' / ', e.properties ->> %(utm_source)s::text,
                            e.properties ->> %(utm_medium)s::text,
                            e.properties ->> %(utm_campaign)s::text), '') AS utm,
           nullif(e.properties ->> %(channel)s::text, '') AS channel,
           e.occurred_at - lag(e.occurred_at) OVER (PARTITION BY e.customer_id ORDER BY e.occurred_at)
               AS pause
    FROM unnest(%(ids)s::bigint[]) t(id) CROSS JOIN LATERAL (
        SELECT * FROM crm_event e WHERE e.tenant_id = %(tenant)s AND e.customer_id = t.id OFFSET 0
    ) e
), bought AS MATERIALIZED (
    SELECT o.id, o.customer_id, o.placed_at, o.total_minor, nullif(o.channel, '') AS channel
    FROM unnest(%(ids)s::bigint[]) t(id) CROSS JOIN LATERAL (
        SELECT * FROM crm_order o WHERE o.tenant_id = %(tenant)s AND o.customer_id = t.id OFFSET 0
    ) o
), behaved AS (
    SELECT customer_id, count(*) AS events,
           count(*) FILTER (WHERE name = 'click' OR name LIKE '%%\\_clicked') AS clicks,
           count(*) FILTER (WHERE pause IS NULL OR pause > interval '30 minutes') AS sessions,
           coalesce(extract(epoch FROM sum(pause) FILTER (WHERE pause <= interval '30 minutes')), 0)::bigint
               AS seconds
    FROM seen GROUP BY customer_id
), ordered AS (
    SELECT customer_id, round(avg(total_minor))::bigint AS basket,
           mode() WITHIN GROUP (ORDER BY channel) AS channel,
           CASE WHEN count(*) > 1 THEN
               extract(epoch FROM max(placed_at) - min(placed_at))::float8 / 86400 / (count(*) - 1) END AS gap
    FROM bought GROUP BY customer_id
), days AS (
    SELECT customer_id, count(*) AS active FROM (
        SELECT customer_id, (occurred_at AT TIME ZONE %(zone)s)::date FROM seen
        UNION SELECT customer_id, (placed_at AT TIME ZONE %(zone)s)::date FROM bought
    ) local GROUP BY customer_id
), touches AS (
    SELECT customer_id, left((array_agg(origin ORDER BY touched_at))[1], 200) AS first,
           left((array_agg(origin ORDER BY touched_at DESC))[1], 200) AS last
    FROM (SELECT customer_id, occurred_at AS touched_at, coalesce(utm, channel) AS origin FROM seen
          WHERE utm IS NOT NULL OR channel IS NOT NULL
          UNION ALL SELECT customer_id, placed_at, channel FROM bought WHERE channel IS NOT NULL) origins
    GROUP BY customer_id
), spent AS (
    SELECT b.customer_id, i.category, sum(l.total_minor) AS amount,
           sum(sum(l.total_minor)) OVER (PARTITION BY b.customer_id) AS whole,
           row_number() OVER (PARTITION BY b.customer_id ORDER BY sum(l.total_minor) DESC, i.category)
               AS place
    FROM bought b
    JOIN crm_orderline l ON l.tenant_id = %(tenant)s AND l.order_id = b.id AND l.kind = 'product'
    JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = l.item_id
    WHERE i.category <> '' GROUP BY b.customer_id, i.category
), loved AS (
    SELECT customer_id, min(category) FILTER (WHERE place = 1) AS favourite,
           jsonb_object_agg(category, round(amount / whole, 4)) FILTER (WHERE place <= 5) AS shares
    FROM spent WHERE whole > 0 GROUP BY customer_id
), cells AS (
    SELECT s.customer_id, width_bucket(s.last_order_at, z.recency_from) + 1 AS recency,
           width_bucket(s.orders_count::bigint, z.frequency_from) + 1 AS frequency,
           width_bucket(s.revenue_minor - s.returned_minor, z.monetary_from) + 1 AS monetary
    FROM crm_ordersummary s JOIN crm_rfmscale z ON z.tenant_id = s.tenant_id
    WHERE s.tenant_id = %(tenant)s AND s.customer_id = ANY(%(ids)s) AND s.orders_count > 0
)
INSERT INTO crm_customerprofile AS kept (
    tenant_id, customer_id, average_basket_minor, days_between_orders, favourite_category, category_shares,
    favourite_channel, events_count, clicks_count, sessions_count, active_days, time_spent_seconds,
    first_touch, last_touch, rfm_recency, rfm_frequency, rfm_monetary, computed_at)
SELECT %(tenant)s, c.id, o.basket, o.gap, v.favourite, coalesce(v.shares, '{}'), o.channel,
       coalesce(b.events, 0), coalesce(b.clicks, 0), coalesce(b.sessions, 0), coalesce(d.active, 0),
       coalesce(b.seconds, 0), t.first, t.last, r.recency, r.frequency, r.monetary, %(at)s
FROM crm_customer c
LEFT JOIN behaved b ON b.customer_id = c.id
LEFT JOIN ordered o ON o.customer_id = c.id
LEFT JOIN days d ON d.customer_id = c.id
LEFT JOIN touches t ON t.customer_id = c.id
LEFT JOIN loved v ON v.customer_id = c.id
LEFT JOIN cells r ON r.customer_id = c.id
WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)
ORDER BY c.id
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
    average_basket_minor = excluded.average_basket_minor, days_between_orders = excluded.days_between_orders,
    favourite_category = excluded.favourite_category, category_shares = excluded.category_shares,
    favourite_channel = excluded.favourite_channel, events_count = excluded.events_count,
    clicks_count = excluded.clicks_count, sessions_count = excluded.sessions_count,
    active_days = excluded.active_days, time_spent_seconds = excluded.time_spent_seconds,
    first_touch = excluded.first_touch, last_touch = excluded.last_touch,
    rfm_recency = excluded.rfm_recency, rfm_frequency = excluded.rfm_frequency,
    rfm_monetary = excluded.rfm_monetary, computed_at = excluded.computed_at
"""
_SCALE = """
INSERT INTO crm_rfmscale (tenant_id, recency_from, frequency_from, monetary_from, computed_at)
SELECT %(tenant)s, percentile_disc(%(fifths)s::float8[]) WITHIN GROUP (ORDER BY last_order_at),
       percentile_disc(%(fifths)s::float8[]) WITHIN GROUP (ORDER BY orders_count::bigint),
       percentile_disc(%(fifths)s::float8[]) WITHIN GROUP (ORDER BY revenue_minor - returned_minor), %(at)s
FROM crm_ordersummary WHERE tenant_id = %(tenant)s AND orders_count > 0
HAVING count(*) > 0
ON CONFLICT (tenant_id) DO UPDATE SET recency_from = excluded.recency_from,
    frequency_from = excluded.frequency_from, monetary_from = excluded.monetary_from,
    computed_at = excluded.computed_at
"""
_CELLS = """
UPDATE crm_customerprofile p SET
    rfm_recency = f.recency, rfm_frequency = f.frequency, rfm_monetary = f.monetary
FROM (
    SELECT s.customer_id, width_bucket(s.last_order_at, z.recency_from) + 1 AS recency,
           width_bucket(s.orders_count::bigint, z.frequency_from) + 1 AS frequency,
           width_bucket(s.revenue_minor - s.returned_minor, z.monetary_from) + 1 AS monetary
    FROM crm_ordersummary s JOIN crm_rfmscale z ON z.tenant_id = s.tenant_id
    WHERE s.tenant_id = %(tenant)s AND s.orders_count > 0
) f
WHERE p.tenant_id = %(tenant)s AND p.customer_id = f.customer_id
  AND (p.rfm_recency, p.rfm_frequency, p.rfm_monetary)
      IS DISTINCT FROM (f.recency, f.frequency, f.monetary)
"""


@transaction.atomic
def refresh(*, customer_ids: Collection[int], at: datetime) -> None:
    """Read the history of these customers anew; the cost follows their own events and orders."""
    if not customer_ids:
        return
    tenant, secret = active_tenant(), sensitive.property_keys()
    params: dict[str, Any] = {
        "tenant": tenant.pk,
        "ids": sorted(customer_ids),
        "zone": tenant.time_zone,
        "at": at,
        **{name: NOTHING if name in secret else name for name in _TOUCHES},
    }
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, params)


@transaction.atomic
def refresh_cells(*, at: datetime) -> None:
    """Move the limits of the RFM cells to the buyers of now, and everybody into their cells."""
    params: dict[str, Any] = {"tenant": active_tenant_id(), "at": at, "fifths": [0.2, 0.4, 0.6, 0.8]}
    with connection.cursor() as cursor:
        cursor.execute(_SCALE, params)
        cursor.execute(_CELLS, params)


def refresh_everyone(*, tenant: Tenant, at: datetime, alive: Callable[[], None] = lambda: None) -> int:
    """Read everybody's history anew, in transactions of some thousand customers; return how many.

    ``alive`` is called in each of them, in its scope.
    """
    with tenant_scope(tenant):
        refresh_cells(at=at)
    last, count = 0, 0
    while True:
        with tenant_scope(tenant):
            found = Customer.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
            ids = list(found[:CHUNK])
            if not ids:
                return count
            alive()
            refresh(customer_ids=ids, at=at)
        last, count = ids[-1], count + len(ids)

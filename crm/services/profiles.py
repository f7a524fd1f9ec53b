"""Customers' profiles: aggregates of their events and orders, as one statement for those who were touched.

A session ends when nothing happened for half an hour; the time spent is the time between its events. A touch
is an event or an order that says where it came from (``utm_source`` and its kin, or a channel). RFM cells
are fifths of the buyers, on limits that move once a night.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from crm.domain.hidden_values import NOTHING
from crm.models import Customer
from crm.queries import sensitive
from tenants.models import Tenant
from tenants.scope import active_tenant, active_tenant_id, tenant_scope

CHUNK = 20_000
# The only properties of events that the profile reads, and only while nobody calls them sensitive.
_TOUCHES = ("utm_source", "utm_medium", "utm_campaign", "channel")
# What an event says of itself: a click, where it came from.
EVENT_COLUMNS: Final = """(e.name = 'click' OR e.name LIKE '%%\\_clicked') AS is_click,
    coalesce(nullif(concat_ws(' / ', e.properties ->> %(utm_source)s::text,
                              e.properties ->> %(utm_medium)s::text,
                              e.properties ->> %(utm_campaign)s::text), ''),
             nullif(e.properties ->> %(channel)s::text, '')) AS origin"""
# What counts of moments in their order add up to; whole seconds, so that parts sum to the whole.
COUNTS: Final = """count(*) FILTER (WHERE is_event) AS events,
    count(*) FILTER (WHERE is_click) AS clicks,
    count(*) FILTER (WHERE is_event AND (before IS NULL OR at - before > interval '30 minutes')) AS sessions,
    coalesce(extract(epoch FROM sum(date_trunc('second', at) - date_trunc('second', before)) FILTER (
        WHERE is_event AND at - before <= interval '30 minutes')), 0)::bigint AS seconds,
    count(*) FILTER (WHERE is_new_day) AS active"""
# The loops over the customers stop the planner from reading whole partitions for a thousand of them.
_REFRESH = """
WITH bought AS MATERIALIZED (
    SELECT o.id, o.customer_id, o.placed_at, o.total_minor, nullif(o.channel, '') AS channel
    FROM unnest(%(ids)s::bigint[]) t(id) CROSS JOIN LATERAL (
        SELECT * FROM crm_order o WHERE o.tenant_id = %(tenant)s AND o.customer_id = t.id OFFSET 0
    ) o
), moments AS (
    SELECT e.customer_id, e.occurred_at AS at, true AS is_event, {event}
    FROM unnest(%(ids)s::bigint[]) t(id) CROSS JOIN LATERAL (
        SELECT * FROM crm_event e WHERE e.tenant_id = %(tenant)s AND e.customer_id = t.id OFFSET 0
    ) e
    UNION ALL SELECT customer_id, placed_at, false, false, channel FROM bought
), history AS MATERIALIZED (
    SELECT customer_id, at, is_event, is_click, origin,
           max(at) FILTER (WHERE is_event) OVER earlier AS before,
           day IS DISTINCT FROM lag(day) OVER earlier AS is_new_day
    FROM (SELECT *, (at AT TIME ZONE %(zone)s)::date AS day FROM moments) dated
    WINDOW earlier AS (PARTITION BY customer_id ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), behaved AS (
    SELECT customer_id, {counts}, max(at) FILTER (WHERE is_event) AS last_event_at, max(at) AS seen_until
    FROM history GROUP BY customer_id
), ordered AS (
    SELECT customer_id, round(avg(total_minor))::bigint AS basket,
           mode() WITHIN GROUP (ORDER BY channel) AS channel,
           CASE WHEN count(*) > 1 THEN
               extract(epoch FROM max(placed_at) - min(placed_at))::float8 / 86400 / (count(*) - 1) END AS gap
    FROM bought GROUP BY customer_id
), touches AS (
    SELECT customer_id, left((array_agg(origin ORDER BY at))[1], 200) AS first,
           left((array_agg(origin ORDER BY at DESC))[1], 200) AS last
    FROM history WHERE origin IS NOT NULL GROUP BY customer_id
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
    first_touch, last_touch, rfm_recency, rfm_frequency, rfm_monetary, last_event_at, seen_until, computed_at)
SELECT %(tenant)s, c.id, o.basket, o.gap, v.favourite, coalesce(v.shares, '{}'), o.channel,
       coalesce(b.events, 0), coalesce(b.clicks, 0), coalesce(b.sessions, 0), coalesce(b.active, 0),
       coalesce(b.seconds, 0), t.first, t.last, r.recency, r.frequency, r.monetary, b.last_event_at,
       coalesce(b.seen_until, 'epoch'), %(at)s
FROM crm_customer c
LEFT JOIN behaved b ON b.customer_id = c.id
LEFT JOIN ordered o ON o.customer_id = c.id
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
    rfm_monetary = excluded.rfm_monetary, last_event_at = excluded.last_event_at,
    seen_until = excluded.seen_until, computed_at = excluded.computed_at
""".replace("{event}", EVENT_COLUMNS).replace("{counts}", COUNTS)
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


def touch_names() -> dict[str, str]:
    """Return the properties that `EVENT_COLUMNS` reads, as parameters; a sensitive one reads nothing."""
    secret = sensitive.property_keys()
    return {name: NOTHING if name in secret else name for name in _TOUCHES}


@transaction.atomic
def refresh(*, customer_ids: Collection[int], at: datetime) -> None:
    """Read the history of these customers anew; the cost follows their own events and orders."""
    if not customer_ids:
        return
    tenant = active_tenant()
    params: dict[str, Any] = {
        "tenant": tenant.pk,
        "ids": sorted(customer_ids),
        "zone": tenant.time_zone,
        "at": at,
        **touch_names(),
    }
    with connection.cursor() as cursor:
        # Compiling the statement takes longer than it runs.
        cursor.execute("SET LOCAL jit = off")
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

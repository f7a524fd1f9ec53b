"""Adding new events to profiles without reading the history behind them.

A profile knows up to which moment it has counted. Events that are all newer only add to it; what comes late,
orders, and profiles from before that was kept ask for the whole history: those customers are handed back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm.services.profiles import COUNTS, EVENT_COLUMNS, touch_names
from tenants.scope import active_tenant

_ADD = """
WITH kept AS MATERIALIZED (
    SELECT p.customer_id, p.last_event_at, p.seen_until
    FROM unnest(%(ids)s::bigint[], %(sinces)s::timestamptz[]) t(id, since)
    JOIN crm_customerprofile p ON p.tenant_id = %(tenant)s AND p.customer_id = t.id AND p.seen_until < t.since
    ORDER BY p.customer_id FOR NO KEY UPDATE OF p
), added AS MATERIALIZED (
    SELECT customer_id, at, is_event, is_click, origin,
           coalesce(max(at) OVER earlier, last_event_at) AS before,
           day IS DISTINCT FROM coalesce(lag(day) OVER earlier, (seen_until AT TIME ZONE %(zone)s)::date)
               AS is_new_day
    FROM (
        SELECT k.customer_id, k.last_event_at, k.seen_until, e.occurred_at AS at, true AS is_event,
               (e.occurred_at AT TIME ZONE %(zone)s)::date AS day, {event}
        FROM kept k CROSS JOIN LATERAL (
            SELECT * FROM crm_event e WHERE e.tenant_id = %(tenant)s AND e.customer_id = k.customer_id
              AND e.occurred_at > k.seen_until OFFSET 0
        ) e
    ) moments
    WINDOW earlier AS (PARTITION BY customer_id ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), counted AS (
    SELECT customer_id, {counts}, max(at) AS last_at,
           left((array_agg(origin ORDER BY at) FILTER (WHERE origin IS NOT NULL))[1], 200) AS first,
           left((array_agg(origin ORDER BY at DESC) FILTER (WHERE origin IS NOT NULL))[1], 200) AS last
    FROM added GROUP BY customer_id
), written AS (
    UPDATE crm_customerprofile p SET
        events_count = p.events_count + c.events, clicks_count = p.clicks_count + c.clicks,
        sessions_count = p.sessions_count + c.sessions, active_days = p.active_days + c.active,
        time_spent_seconds = p.time_spent_seconds + c.seconds, first_touch = coalesce(p.first_touch, c.first),
        last_touch = coalesce(c.last, p.last_touch), last_event_at = c.last_at, seen_until = c.last_at,
        computed_at = %(at)s
    FROM counted c WHERE p.tenant_id = %(tenant)s AND p.customer_id = c.customer_id
)
SELECT customer_id FROM kept
""".replace("{event}", EVENT_COLUMNS).replace("{counts}", COUNTS)


@transaction.atomic
def add(*, since_by_customer: Mapping[int, datetime], at: datetime) -> frozenset[int]:
    """Add the events from these moments on; return the customers whose whole history has to be read."""
    if not since_by_customer:
        return frozenset()
    tenant = active_tenant()
    params: dict[str, Any] = {
        "tenant": tenant.pk,
        "ids": list(since_by_customer),
        "sinces": list(since_by_customer.values()),
        "zone": tenant.time_zone,
        "at": at,
        **touch_names(),
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(_ADD, params)
        return frozenset(since_by_customer) - {customer_id for (customer_id,) in cursor.fetchall()}

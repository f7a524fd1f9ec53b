"""Tier memberships from qualifying spend in the rolling year, net of returns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from rewards.domain.tiers import ROLLING_YEAR
from rewards.queries import programs
from tenants.scope import active_tenant_id

_UPSERT = """
    WITH spend AS (
        SELECT c.id AS customer_id,
               GREATEST(COALESCE(ordered.total, 0) - COALESCE(returned.total, 0), 0)::bigint AS minor
        FROM crm_customer c
        LEFT JOIN (
            SELECT o.customer_id, SUM(o.total_minor) AS total FROM crm_order o
            WHERE o.tenant_id = %(tenant)s AND o.placed_at > %(since)s AND o.placed_at <= %(at)s
              AND (%(customers)s::bigint[] IS NULL OR o.customer_id = ANY(%(customers)s))
            GROUP BY o.customer_id
        ) ordered ON ordered.customer_id = c.id
        LEFT JOIN (
            SELECT o.customer_id, SUM(r.total_minor) AS total FROM crm_return r
            JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = r.order_id
            WHERE r.tenant_id = %(tenant)s AND r.returned_at <= %(at)s
              AND o.placed_at > %(since)s AND o.placed_at <= %(at)s
              AND (%(customers)s::bigint[] IS NULL OR o.customer_id = ANY(%(customers)s))
            GROUP BY o.customer_id
        ) returned ON returned.customer_id = c.id
        WHERE c.tenant_id = %(tenant)s AND c.state <> 'merged'
          AND (%(customers)s::bigint[] IS NULL OR c.id = ANY(%(customers)s))
    ), reached AS (
        SELECT s.customer_id, s.minor, (
            SELECT t.key FROM unnest(%(keys)s::text[], %(thresholds)s::bigint[]) AS t(key, threshold)
            WHERE t.threshold <= s.minor ORDER BY t.threshold DESC LIMIT 1
        ) AS tier_key
        FROM spend s
    ), gone AS (
        DELETE FROM rewards_tiermembership m USING reached r
        WHERE m.tenant_id = %(tenant)s AND m.customer_id = r.customer_id AND r.tier_key IS NULL
    )
    INSERT INTO rewards_tiermembership AS m (
        tenant_id, customer_id, tier_key, qualifying_spend_minor, since, computed_at
    )
    SELECT %(tenant)s, r.customer_id, r.tier_key, r.minor, %(at)s, %(at)s FROM reached r
    WHERE r.tier_key IS NOT NULL ORDER BY r.customer_id
    ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
        tier_key = EXCLUDED.tier_key,
        qualifying_spend_minor = EXCLUDED.qualifying_spend_minor,
        computed_at = EXCLUDED.computed_at,
        since = CASE WHEN m.tier_key = EXCLUDED.tier_key THEN m.since ELSE EXCLUDED.since END
"""


@transaction.atomic
def refresh(*, customer_ids: Collection[int] | None, at: datetime) -> int:
    """Recompute the tiers of some customers (``None``: all) as of ``at``; returns the memberships written.

    Customers below the lowest threshold have no membership. Without a published program nothing happens.
    """
    published = programs.published()
    if published is None:
        return 0
    tiers = published.revision.tiers
    parameters: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "at": at,
        "since": at - ROLLING_YEAR,
        "customers": None if customer_ids is None else list(customer_ids),
        "keys": [tier.key for tier in tiers],
        "thresholds": [tier.threshold_minor for tier in tiers],
    }
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, parameters)
        return int(cursor.rowcount)


def recompute(*, at: datetime) -> int:
    """Recompute the tier of every customer as of ``at``."""
    return refresh(customer_ids=None, at=at)

"""Counters of customers, counted again from what they redeemed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.db import connection

from tenants.scope import active_tenant_id

# A counter's key carries the customer's number; what a use says of another number was theirs before a merge.
_COUNTED: Final = """
SELECT regexp_replace(c.value ->> 0, ':customer:[0-9]+', ':customer:' || r.customer_id) AS key,
       CASE WHEN r.state IN ('reserved', 'redeemed') THEN (c.value ->> 1)::bigint ELSE 0 END AS uses,
       CASE WHEN r.state IN ('reserved', 'redeemed') THEN (c.value ->> 2)::bigint ELSE 0 END AS discount
FROM rewards_couponredemption r
JOIN rewards_couponuse u ON u.tenant_id = r.tenant_id AND u.redemption_id = r.id
CROSS JOIN LATERAL jsonb_array_elements(u.counters) AS c(value)
WHERE r.tenant_id = %(tenant)s AND r.customer_id = ANY(%(customers)s) AND c.value ->> 0 LIKE '%%:customer:%%'
UNION ALL
SELECT 'reward:' || reward_id || ':customer:' || customer_id,
       CASE WHEN state IN ('cancelled', 'refunded') THEN 0 ELSE 1 END, 0
FROM rewards_redemption WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(customers)s)
"""
# What one of them has counted, the others may have counted before: theirs goes to what is left, or to zero.
_SUMS: Final = f"""
SELECT key, SUM(uses)::bigint AS uses, SUM(discount)::bigint AS discount FROM (
    SELECT key, uses, discount FROM ({_COUNTED}) AS counted
    UNION ALL
    SELECT regexp_replace(key, ':customer:[0-9]+', ':customer:' || other), 0, 0
    FROM ({_COUNTED}) AS counted, unnest(%(customers)s::bigint[]) AS other
) AS every GROUP BY key
"""  # noqa: S608 - constants only
_LOCK: Final = f"""
SELECT FROM rewards_couponcounter
WHERE tenant_id = %(tenant)s AND key COLLATE "C" = ANY(ARRAY(SELECT key FROM ({_SUMS}) AS sums)::text[])
ORDER BY key FOR UPDATE
"""  # noqa: S608 - constants only
_WRITE: Final = f"""
INSERT INTO rewards_couponcounter AS kept (tenant_id, key, uses, discount_minor)
SELECT %(tenant)s, s.key, s.uses, s.discount FROM ({_SUMS}) AS s
WHERE s.uses > 0 OR EXISTS (
    SELECT FROM rewards_couponcounter k WHERE k.tenant_id = %(tenant)s AND k.key = s.key COLLATE "C")
ORDER BY s.key
ON CONFLICT (tenant_id, key) DO UPDATE
SET uses = excluded.uses, discount_minor = excluded.discount_minor
WHERE (kept.uses, kept.discount_minor) IS DISTINCT FROM (excluded.uses, excluded.discount_minor)
"""  # noqa: S608 - constants only


def recount(customer_ids: Collection[int]) -> None:
    """Bring how often these customers used what is limited for each into line with their redemptions."""
    parameters: dict[str, Any] = {"tenant": active_tenant_id(), "customers": sorted(customer_ids)}
    with connection.cursor() as cursor:
        # Two statements: a use that is being written is seen by the second.
        cursor.execute(_LOCK, parameters)
        cursor.execute(_WRITE, parameters)

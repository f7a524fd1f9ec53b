"""When customers were first and last seen, moved by their events after these were stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from tenants.scope import active_tenant_id

_TOUCH = """
UPDATE crm_customer c SET
    last_seen_at = greatest(c.last_seen_at, seen.last_at),
    first_seen_at = least(c.first_seen_at, seen.first_at)
FROM (
    SELECT e.customer_id, max(e.occurred_at) AS last_at, min(e.occurred_at) AS first_at
    FROM crm_event e WHERE e.tenant_id = %(tenant)s AND e.message_id = ANY(%(message_ids)s)
      AND e.occurred_at BETWEEN %(first_at)s AND %(last_at)s
    GROUP BY e.customer_id
) seen
WHERE c.tenant_id = %(tenant)s AND c.id = seen.customer_id
  AND (c.last_seen_at IS NULL OR c.last_seen_at < seen.last_at OR c.first_seen_at > seen.first_at)
"""


@transaction.atomic
def move(*, message_ids: Sequence[str], first_at: str, last_at: str) -> None:
    """Move the seen dates of the customers of these events."""
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "message_ids": list(message_ids),
        "first_at": first_at,
        "last_at": last_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, params)

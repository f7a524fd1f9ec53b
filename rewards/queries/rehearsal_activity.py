"""When anything happened last that a rehearsal would play."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rewards.domain.engine import Engine
from rewards.domain.rehearsal_days import events_asked
from rewards.queries.rehearsal_rows import rows

# From the end of an index each, whatever the number of orders and events.
_NEWEST: Final = """
    SELECT MAX(newest.at) FROM (
        (SELECT o.placed_at AS at FROM crm_order o
         WHERE o.tenant_id = %(tenant)s AND o.customer_id IS NOT NULL AND o.placed_at < %(before)s
         ORDER BY o.placed_at DESC LIMIT 1)
        UNION ALL
        (SELECT r.returned_at FROM crm_return r
         WHERE r.tenant_id = %(tenant)s AND r.returned_at < %(before)s ORDER BY r.returned_at DESC LIMIT 1)
        UNION ALL
        SELECT e.at FROM unnest(%(names)s::text[]) AS asked(name) CROSS JOIN LATERAL (
            SELECT e.occurred_at AS at FROM crm_event e
            WHERE e.tenant_id = %(tenant)s AND e.name = asked.name AND e.occurred_at < %(before)s
            ORDER BY e.occurred_at DESC LIMIT 1
        ) e
    ) newest
"""


def newest(engine: Engine, before: datetime) -> datetime | None:
    """Return when the last order, return or event before a moment happened that a program asks for."""
    ((at,),) = rows(_NEWEST, names=sorted(events_asked(engine)), before=before)
    found: datetime | None = at
    return found

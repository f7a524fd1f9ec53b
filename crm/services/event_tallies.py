"""Counts of events by day, name and status, added to a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from django.db import connection

from crm.models import EventStatus
from tenants.scope import active_tenant_id

_ADD = """
INSERT INTO crm_eventtally AS kept (tenant_id, received_on, name, status, count)
SELECT %s, %s, counted.key, %s, counted.value::bigint FROM json_each_text(%s::json) AS counted
ORDER BY counted.key
ON CONFLICT (tenant_id, received_on, name, status) DO UPDATE SET count = kept.count + excluded.count
"""


def add(count_by_name: Mapping[str, int], *, status: EventStatus, at: datetime) -> None:
    """Add to the counts of the day of ``at``."""
    if not count_by_name:
        return
    day = at.astimezone(UTC).date()
    counted = msgspec.json.encode(dict(count_by_name)).decode()
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [active_tenant_id(), day, status.value, counted])

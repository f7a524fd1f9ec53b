"""How a rehearsal reads rows of the past."""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg.types.datetime import TimestamptzLoader

from tenants.scope import active_tenant_id


def rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Return what a statement finds for the active tenant, which it knows as ``tenant``."""
    with connection.cursor() as cursor:
        # Django's own loader reads moments in Python; the driver's is compiled and says the same.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found

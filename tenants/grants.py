"""Rights on the tables that belong to no tenant; a tenant's table gets its own from ``IsolateTenantTable``.

Granted table by table after each migration: default privileges would also reach partitions, and a partition
that can be queried directly is a hole in row-level security.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections

from tenants.models.base import TenantModel


def grant_global_tables(*, using: str, **_signal: Any) -> None:
    """Let the application read and write Django's tables and the global models (``post_migrate``)."""
    with connections[using].cursor() as cursor:
        present = set(connections[using].introspection.table_names(cursor))
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            if issubclass(model, TenantModel) or not model._meta.managed or table not in present:
                continue
            if any(field.column == "tenant_id" for field in model._meta.local_concrete_fields):
                continue
            cursor.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO app_rw, app_platform')
            if any(field.column == "id" for field in model._meta.local_concrete_fields):
                _grant_sequence(cursor, table)
        cursor.execute("GRANT SELECT ON django_migrations TO app_rw, app_platform")


def _grant_sequence(cursor: Any, table: str) -> None:
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [f'"{table}"'])
    (sequence,) = cursor.fetchone()
    if sequence:
        cursor.execute(f"GRANT USAGE, SELECT ON SEQUENCE {sequence} TO app_rw, app_platform")

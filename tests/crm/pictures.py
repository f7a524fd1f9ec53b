"""A picture of everything a customer has, for comparing before and after."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection

from crm.domain.references import REFERENCES
from tenants.scope import active_tenant_id

# Written anew from other rows, or by every change: their numbers and moments say nothing.
_IGNORED = {"updated_at", "id"}


def of_customer(customer_id: int) -> dict[str, Any]:
    """Every row of the customer by table, without what changes with every write."""
    left_out = {"crm_customermerge", "crm_customertouch", "crm_duplicatecandidate", "crm_matchkey"}
    tables = {(each.table, each.column) for each in REFERENCES if each.table not in left_out}
    tables = {*tables, ("crm_customer", "id")} - {("crm_customer", "merged_into_id")}
    return {table: rows_of(table, column, customer_id) for table, column in sorted(tables)}


def rows_of(table: str, column: str, customer_id: int) -> list[dict[str, Any]]:
    """Every row of one table that points to the customer, as JSON."""
    assert table in {model._meta.db_table for model in apps.get_models()}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(t) FROM {table} t WHERE tenant_id = %s AND {column} = %s",  # noqa: S608
            [active_tenant_id(), customer_id],
        )
        rows = [row[0] for row in cursor.fetchall()]
    if isinstance(next(iter(rows), None), str):
        import json

        rows = [json.loads(row) for row in rows]
    kept = [{key: value for key, value in row.items() if key not in _IGNORED} for row in rows]
    return sorted(kept, key=str)

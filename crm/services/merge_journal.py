"""Re-pointing a customer's rows as sets, each written into the journal, and putting them back."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection

from crm.domain.references import MOVED, Reference
from crm.models import CustomerMerge
from tenants.scope import active_tenant_id

# Table and column names come from `REFERENCES` and the models, never from outside.
_TAKE = """
WITH taken AS (
    DELETE FROM {table} a USING {table} s
    WHERE a.tenant_id = %(tenant)s AND a.customer_id = %(absorbed)s
      AND s.tenant_id = %(tenant)s AND s.customer_id = %(survivor)s AND {agree}
    RETURNING {key}, to_jsonb(a) AS taken
)
INSERT INTO crm_mergedrow (tenant_id, merge_id, "table", row_key, taken)
SELECT %(tenant)s, %(merge)s, %(table)s, row_key, taken FROM taken
"""
_MOVE = """
WITH moved AS (
    UPDATE {table} a SET customer_id = %(survivor)s
    WHERE a.tenant_id = %(tenant)s AND a.customer_id = %(absorbed)s RETURNING {key}
)
INSERT INTO crm_mergedrow (tenant_id, merge_id, "table", row_key)
SELECT %(tenant)s, %(merge)s, %(table)s, row_key FROM moved
"""
# A row that has moved on since, by another merge or an edit, is no longer the survivor's to give back.
_MOVE_BACK = """
UPDATE {table} a SET customer_id = %(absorbed)s FROM crm_mergedrow j
WHERE j.tenant_id = %(tenant)s AND j.merge_id = %(merge)s AND j."table" = %(table)s AND j.taken IS NULL
  AND a.tenant_id = %(tenant)s AND a.customer_id = %(survivor)s AND {match}
"""
_GIVE_BACK = """
INSERT INTO {table} ({columns})
SELECT {restored} FROM crm_mergedrow j CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, j.taken) r
WHERE j.tenant_id = %(tenant)s AND j.merge_id = %(merge)s AND j."table" = %(table)s AND j.taken IS NOT NULL
ON CONFLICT DO NOTHING
"""


def move_rows(merge: CustomerMerge) -> dict[str, int]:
    """Re-point what the absorbed customer has to the survivor; return how many rows by table."""
    counts = {reference.table: _move(merge, reference) for reference in MOVED}
    return {table: count for table, count in counts.items() if count}


def move_rows_back(merge: CustomerMerge) -> None:
    """Undo ``move_rows`` from the journal and empty it."""
    for reference in MOVED:
        match = " AND ".join(
            f"a.{name} = (j.row_key->>'{name}')::{sql_type}" for name, sql_type in reference.key
        )
        _execute(_MOVE_BACK.format(table=reference.table, match=match), merge, reference)
        if reference.unique:
            names = _columns(reference.table)
            statement = _GIVE_BACK.format(
                table=reference.table,
                columns=", ".join(names),
                restored=", ".join(f"r.{name}" for name in names),
            )
            _execute(statement, merge, reference)
    merge.rows.all().delete()


def _move(merge: CustomerMerge, reference: Reference) -> int:
    pairs = ", ".join(f"'{name}', a.{name}" for name, _type in reference.key)
    key = f"jsonb_build_object({pairs}) AS row_key"
    taken = 0
    if reference.unique:
        agree = " AND ".join(f"a.{name} = s.{name}" for name in reference.unique)
        taken = _execute(_TAKE.format(table=reference.table, agree=agree, key=key), merge, reference)
    return taken + _execute(_MOVE.format(table=reference.table, key=key), merge, reference)


def _columns(table: str) -> list[str]:
    (model,) = [each for each in apps.get_app_config("crm").get_models() if each._meta.db_table == table]
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    return [f'"{field.column}"' for field in fields]


def _execute(statement: str, merge: CustomerMerge, reference: Reference) -> int:
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "merge": merge.pk,
        "table": reference.table,
        "survivor": merge.survivor_id,
        "absorbed": merge.absorbed_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)

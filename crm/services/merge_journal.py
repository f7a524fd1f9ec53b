"""Re-pointing a customer's rows as sets, each written into the journal, and putting them back.

Apps above use it for their own tables, so that one journal is purged, erased and read as one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    WHERE a.tenant_id = %(tenant)s AND a.{column} = %(absorbed)s
      AND s.tenant_id = %(tenant)s AND s.{column} = %(survivor)s AND {agree}
    RETURNING {key}, to_jsonb(a) AS taken
)
INSERT INTO crm_mergedrow (tenant_id, merge_id, "table", row_key, taken)
SELECT %(tenant)s, %(merge)s, %(name)s, row_key, taken FROM taken
"""
_MOVE = """
WITH moved AS (
    UPDATE {table} a SET {column} = %(survivor)s
    WHERE a.tenant_id = %(tenant)s AND a.{column} = %(absorbed)s AND NOT ({stays}) RETURNING {key}
)
INSERT INTO crm_mergedrow (tenant_id, merge_id, "table", row_key)
SELECT %(tenant)s, %(merge)s, %(name)s, row_key FROM moved
"""
# A row that has moved on since, by another merge or an edit, is no longer the survivor's to give back.
_MOVE_BACK = """
UPDATE {table} a SET {column} = %(absorbed)s FROM crm_mergedrow j
WHERE j.tenant_id = %(tenant)s AND j.merge_id = %(merge)s AND j."table" = %(name)s AND j.taken IS NULL
  AND a.tenant_id = %(tenant)s AND a.{column} = %(survivor)s AND {match}
"""
_GIVE_BACK = """
INSERT INTO {table} ({columns})
SELECT {restored} FROM crm_mergedrow j CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, j.taken) r
WHERE j.tenant_id = %(tenant)s AND j.merge_id = %(merge)s AND j."table" = %(name)s AND j.taken IS NOT NULL
ON CONFLICT DO NOTHING
"""


_KEEP = """
INSERT INTO crm_mergedrow (tenant_id, merge_id, "table", row_key, taken)
SELECT %(tenant)s, %(merge)s, %(name)s, jsonb_build_object('id', a.id), to_jsonb(a)
FROM {table} a WHERE a.tenant_id = %(tenant)s AND a.id = ANY(%(ids)s)
"""


def move_rows(merge: CustomerMerge, references: Iterable[Reference] = MOVED) -> dict[str, int]:
    """Re-point what the absorbed customer has to the survivor; return how many rows by table."""
    counts = {reference.table: _move(merge, reference) for reference in references}
    return {table: count for table, count in counts.items() if count}


def move_rows_unless(merge: CustomerMerge, reference: Reference, stays: str) -> None:
    """Re-point rows of a table but those for which ``stays``, a condition on ``a``, is true.

    The condition is SQL of the caller's own code; it may name ``%(survivor)s`` and ``%(tenant)s``.
    """
    _move(merge, reference, stays)


def move_rows_back(merge: CustomerMerge, references: Collection[Reference] = MOVED) -> None:
    """Undo ``move_rows`` from the journal and empty it of these tables."""
    for reference in references:
        match = " AND ".join(
            f"a.{name} = (j.row_key->>'{name}')::{sql_type}" for name, sql_type in reference.key
        )
        statement = _MOVE_BACK.format(table=reference.table, column=reference.column, match=match)
        _execute(statement, merge, reference)
        if reference.unique:
            _give_back(merge, reference)
    _forget(merge, references)


def keep_rows(merge: CustomerMerge, reference: Reference, ids: Collection[int]) -> None:
    """Write rows into the journal as they are, for a table whose owner joins them by a rule of its own."""
    _execute(_KEEP.format(table=reference.table), merge, reference, ids=list(ids))


def kept_rows(merge: CustomerMerge, reference: Reference) -> list[dict[str, Any]]:
    """Return the rows that ``keep_rows`` wrote down, by column."""
    rows = merge.rows.filter(table=reference.name, taken__isnull=False).order_by("pk")
    return [row.taken for row in rows if row.taken is not None]


def give_back_kept(merge: CustomerMerge, reference: Reference) -> None:
    """Insert kept rows again, where the caller has made room, and empty the journal of them."""
    _give_back(merge, reference)
    _forget(merge, [reference])


def _give_back(merge: CustomerMerge, reference: Reference) -> None:
    names = _columns(reference.table)
    statement = _GIVE_BACK.format(
        table=reference.table,
        columns=", ".join(names),
        restored=", ".join(f"r.{name}" for name in names),
    )
    _execute(statement, merge, reference)


def _forget(merge: CustomerMerge, references: Iterable[Reference]) -> None:
    merge.rows.filter(table__in=[reference.name for reference in references]).delete()


def _move(merge: CustomerMerge, reference: Reference, stays: str = "false") -> int:
    table, column = reference.table, reference.column
    pairs = ", ".join(f"'{name}', a.{name}" for name, _type in reference.key)
    key = f"jsonb_build_object({pairs}) AS row_key"
    taken = 0
    if reference.unique:
        agree = " AND ".join(f"a.{name} = s.{name}" for name in reference.unique)
        taken = _execute(_TAKE.format(table=table, column=column, agree=agree, key=key), merge, reference)
    moved = _execute(_MOVE.format(table=table, column=column, key=key, stays=stays), merge, reference)
    return taken + moved


def _columns(table: str) -> list[str]:
    (model,) = [each for each in apps.get_models() if each._meta.db_table == table]
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    return [f'"{field.column}"' for field in fields]


def _execute(statement: str, merge: CustomerMerge, reference: Reference, **more: Any) -> int:
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "merge": merge.pk,
        "name": reference.name,
        "survivor": merge.survivor_id,
        "absorbed": merge.absorbed_id,
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)

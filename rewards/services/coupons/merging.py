"""Codes of customers that crm merges and separates, in crm's own transaction."""

from __future__ import annotations

from typing import Final

from django.db import connection

from tenants.scope import active_tenant_id

# The owners before are a stack: merges of one survivor are undone the last first.
_MERGE: Final = """
UPDATE rewards_couponcode
SET customer_id = %(survivor)s,
    former_owners = COALESCE(former_owners, '[]'::jsonb) || to_jsonb(%(absorbed)s::bigint)
WHERE tenant_id = %(tenant)s AND customer_id = %(absorbed)s
"""
_UNMERGE: Final = """
UPDATE rewards_couponcode SET customer_id = %(absorbed)s, former_owners = former_owners - (-1)
WHERE tenant_id = %(tenant)s AND customer_id = %(survivor)s
  AND former_owners -> -1 = to_jsonb(%(absorbed)s::bigint)
"""


def merge(*, survivor_id: int, absorbed_id: int) -> int:
    """Give the absorbed customer's codes to the survivor; returns how many."""
    return _move(_MERGE, survivor_id, absorbed_id)


def unmerge(*, survivor_id: int, absorbed_id: int) -> int:
    """Give the codes that came with the merge back, used or not; returns how many."""
    return _move(_UNMERGE, survivor_id, absorbed_id)


def _move(statement: str, survivor_id: int, absorbed_id: int) -> int:
    names = {"survivor": survivor_id, "absorbed": absorbed_id, "tenant": active_tenant_id()}
    with connection.cursor() as cursor:
        cursor.execute(statement, names)
        return int(cursor.rowcount)

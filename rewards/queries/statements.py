"""Statements: what a period began with, what moved, what it ended with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from tenants.scope import active_tenant_id

_STATEMENT: Final = """
    SELECT w.key, w.name, COALESCE(SUM(t.points) FILTER (WHERE t.posted_at < %(begins)s), 0)::bigint,
           {columns},
           COALESCE(SUM(t.points), 0)::bigint
    FROM rewards_ledgertransaction t
    JOIN rewards_account a ON a.tenant_id = %(tenant)s AND a.id = t.account_id
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    WHERE t.tenant_id = %(tenant)s AND t.posted_at < %(ends)s
      AND (%(customer)s::bigint IS NULL OR a.customer_id = %(customer)s)
    GROUP BY w.id, w.key, w.name ORDER BY w.id
"""
_KINDS: Final = {
    "earned": "t.kind = 'earn'",
    "spent": "t.kind = 'redeem' OR (t.kind = 'reversal' AND t.points > 0)",
    "returned": "t.kind IN ('return', 'cancel') OR (t.kind = 'reversal' AND t.points < 0)",
    "expired": "t.kind = 'expire'",
    "adjusted": "t.kind = 'adjust'",
    "transferred": "t.kind IN ('transfer_in', 'transfer_out')",
    "merged": "t.kind IN ('merge_in', 'merge_out')",
}
_COLUMNS: Final = ",\n           ".join(
    f"COALESCE(SUM(t.points) FILTER (WHERE t.posted_at >= %(begins)s AND ({kind})), 0)::bigint"
    for kind in _KINDS.values()
)
_QUERY: Final = _STATEMENT.format(columns=_COLUMNS)
COLUMNS: Final = ("opening", *_KINDS, "closing")
_OF_MEMBERS: Final = f"""
    SELECT c.external_id, w.key, COALESCE(SUM(t.points) FILTER (WHERE t.posted_at < %(begins)s), 0)::bigint,
           {_COLUMNS},
           COALESCE(SUM(t.points), 0)::bigint
    FROM rewards_account a
    JOIN rewards_ledgertransaction t ON t.tenant_id = %(tenant)s AND t.account_id = a.id
         AND t.posted_at < %(ends)s
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = a.customer_id
    WHERE a.tenant_id = %(tenant)s AND (%(customer)s::bigint IS NULL OR a.customer_id = %(customer)s)
    GROUP BY a.id, c.external_id, w.key ORDER BY a.id
"""  # noqa: S608 - joined from constants
_ROWS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One wallet over a period, in signed points; pending points and debts are in the balances.

    ``opening`` plus everything that moved is ``closing``. ``spent`` is net of what was given back,
    ``returned`` holds returned lines, reversed credits and cancelled pending points.
    """

    wallet: str
    name: str
    opening: int
    earned: int
    spent: int
    returned: int
    expired: int
    adjusted: int
    transferred: int
    merged: int
    closing: int


def of_period(*, begins: datetime, ends: datetime, customer_id: int | None = None) -> list[Statement]:
    """Return a statement a wallet for ``begins <= posted < ends``, of one member or of the whole tenant.

    Booked by the moment of posting, so that a closed period does not change when late events arrive.
    """
    parameters: dict[str, Any] = {
        "tenant": active_tenant_id(), "begins": begins, "ends": ends, "customer": customer_id,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, parameters)
        return [Statement(*row) for row in cursor.fetchall()]


def of_members(
    *, begins: datetime | None, ends: datetime | None, customer_id: int | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield (customer id, wallet, *``COLUMNS``) of every member and wallet with postings before ``ends``.

    Read by a server-side cursor. Without ``begins`` everything is in the period and nothing was before it.
    """
    parameters = {
        "tenant": active_tenant_id(), "customer": customer_id,
        "begins": begins or "-infinity", "ends": ends or "infinity",
    }  # fmt: skip
    with connection.chunked_cursor() as cursor:
        cursor.execute(_OF_MEMBERS, parameters)
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield from rows

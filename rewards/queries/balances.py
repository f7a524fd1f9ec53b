"""Balances as customers may use them: what has expired is out, swept or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from crm.signals import PreviewRow
from rewards.models import LedgerEntry, Lot, Wallet
from tenants.scope import active_tenant_id


@dataclass(frozen=True, slots=True)
class Balance:
    """One customer's points in one wallet; the expiry is that of the lots that end first.

    ``active`` is available plus held; ``debt`` is what the next earn repays.
    """

    wallet: str
    available: int
    held: int
    pending: int
    debt: int
    next_expiry_at: datetime | None
    next_expiry_points: int
    is_frozen: bool

    @property
    def active(self) -> int:
        return self.available + self.held


# In SQL: the database's primary key is (tenant, id), which the ORM's grouping by id does not know.
_BALANCES = """
    SELECT a.customer_id, w.key, COALESCE(l.points, 0)::bigint, a.held, COALESCE(p.points, 0)::bigint, a.debt,
           l.next_expiry_at,
           COALESCE(l.next_expiry_points, 0)::bigint, a.frozen_at IS NOT NULL
    FROM rewards_account a
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    LEFT JOIN LATERAL (
        SELECT SUM(points) AS points, MIN(expires_at) AS next_expiry_at,
               SUM(points) FILTER (WHERE expires_at = first_at) AS next_expiry_points
        FROM (
            SELECT remaining - held AS points, expires_at, MIN(expires_at) OVER () AS first_at
            FROM rewards_lot
            WHERE tenant_id = %(tenant)s AND account_id = a.id AND is_open AND remaining > held
              AND (expires_at IS NULL OR expires_at > %(at)s) AND (NOT is_pending OR activates_at <= %(at)s)
        ) usable
    ) l ON true
    LEFT JOIN LATERAL (
        SELECT SUM(remaining) AS points FROM rewards_lot
        WHERE tenant_id = %(tenant)s AND account_id = a.id AND is_open AND is_pending
          AND (activates_at > %(at)s OR activates_at IS NULL) AND (expires_at IS NULL OR expires_at > %(at)s)
          AND a.pending > 0
    ) p ON true
    WHERE a.tenant_id = %(tenant)s AND a.customer_id = ANY(%(customers)s) AND a.moved_to_id IS NULL
    ORDER BY a.customer_id, a.wallet_id
"""


def of_customers(customer_ids: Sequence[int], *, at: datetime) -> dict[int, list[Balance]]:
    """Return the balances of customers at a moment, in one query however many there are."""
    balances: dict[int, list[Balance]] = {}
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {"tenant": active_tenant_id(), "customers": list(customer_ids), "at": at}
        cursor.execute(_BALANCES, parameters)
        for customer_id, *values in cursor.fetchall():
            balances.setdefault(customer_id, []).append(Balance(*values))
    return balances


def available(customer_id: int, wallet_key: str, *, at: datetime) -> int:
    """Return what a customer can spend of one wallet; what has ended is out, swept or not."""
    lots = Lot.objects.usable(at).filter(
        account__customer_id=customer_id, account__wallet__key=wallet_key, account__moved_to__isnull=True
    )
    return int(lots.aggregate(points=Sum(F("remaining") - F("held")))["points"] or 0)


def expiring(customer_id: int, *, at: datetime) -> list[dict[str, Any]]:
    """Return the instants at which usable points of a customer end, the earliest first."""
    lots = Lot.objects.usable(at).filter(account__customer_id=customer_id, expires_at__isnull=False)
    grouped = lots.values("account__wallet__key", "expires_at").annotate(
        points=Sum(F("remaining") - F("held"))
    )
    return [
        {"wallet": row["account__wallet__key"], "expires_at": row["expires_at"], "points": row["points"]}
        for row in grouped.order_by("expires_at", "account__wallet__key")
    ]


def entries_of(customer_id: int) -> QuerySet[LedgerEntry]:
    """A customer's ledger lines with their postings and wallets."""
    found: QuerySet[LedgerEntry] = LedgerEntry.objects.filter(
        account__customer_id=customer_id
    ).select_related("transaction", "account__wallet")
    return found


def profile_section(customer_ids: list[int]) -> dict[int, Any]:
    """Balances by customer for profiles."""
    found = of_customers(customer_ids, at=timezone.now())
    return {
        customer_id: [
            {
                "wallet": balance.wallet,
                "available": balance.available,
                "held": balance.held,
                "pending": balance.pending,
            }
            for balance in balances
        ]
        for customer_id, balances in found.items()
    }


def merge_preview(survivor_id: int, absorbed_id: int, *, at: datetime) -> list[PreviewRow]:
    """Balances of two customers, and of the survivor after their merge, one row a wallet."""
    found = of_customers([survivor_id, absorbed_id], at=at)
    sides = [{b.wallet: b for b in found.get(customer_id, [])} for customer_id in (survivor_id, absorbed_id)]
    names = dict(Wallet.objects.values_list("key", "name"))
    rows = []
    for wallet in sorted({*sides[0], *sides[1]}):
        survivor, absorbed = (side[wallet].available if wallet in side else 0 for side in sides)
        rows.append(PreviewRow(names[wallet], str(survivor), str(absorbed), str(survivor + absorbed)))
    return rows

"""Balances as customers may use them: what has expired is out, swept or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from rewards.models import Account, LedgerEntry, Lot


@dataclass(frozen=True, slots=True)
class Balance:
    """One customer's points in one wallet; the expiry is that of the lots that end first."""

    wallet: str
    available: int
    held: int
    next_expiry_at: datetime | None
    next_expiry_points: int
    is_frozen: bool


_FREE = F("lots__remaining") - F("lots__held")


def of_customers(customer_ids: Sequence[int], *, at: datetime) -> dict[int, list[Balance]]:
    """Return the balances of customers at a moment, in two queries however many there are."""
    usable = Q(lots__is_open=True) & (Q(lots__expires_at__isnull=True) | Q(lots__expires_at__gt=at))
    accounts = (
        Account.objects.filter(customer_id__in=customer_ids)
        .select_related("wallet")
        .annotate(
            usable=Coalesce(Sum(_FREE, filter=usable), 0),
            next_expiry_at=Min("lots__expires_at", filter=usable & Q(lots__remaining__gt=F("lots__held"))),
        )
        .order_by("wallet_id")
    )
    rows = list(accounts)
    ending = _ending(rows)
    balances: dict[int, list[Balance]] = {}
    for row in rows:
        balances.setdefault(row.customer_id, []).append(
            Balance(
                row.wallet.key,
                row.usable,
                row.held,
                row.next_expiry_at,
                ending.get((row.pk, row.next_expiry_at), 0),
                row.frozen_at is not None,
            )
        )
    return balances


def _ending(accounts: Sequence[Any]) -> dict[tuple[int, datetime | None], int]:
    moments = {account.next_expiry_at for account in accounts if account.next_expiry_at}
    if not moments:
        return {}
    lots = Lot.objects.filter(
        account_id__in=[account.pk for account in accounts], is_open=True, expires_at__in=moments
    )
    grouped = lots.values_list("account_id", "expires_at").annotate(points=Sum(F("remaining") - F("held")))
    return {(account_id, moment): points for account_id, moment, points in grouped}


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
            {"wallet": balance.wallet, "available": balance.available, "held": balance.held}
            for balance in balances
        ]
        for customer_id, balances in found.items()
    }

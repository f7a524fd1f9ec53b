"""What expires by when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import F, QuerySet, Sum

from rewards.domain.expiry import start_of_day
from rewards.models import Lot


@dataclass(frozen=True, slots=True)
class ExpiringPoints:
    """Points of one member and wallet that end at one instant."""

    customer_id: int
    wallet: str
    expires_at: datetime
    points: int

    def to_json(self) -> dict[str, Any]:
        return {
            "customer_id": self.customer_id,
            "wallet": self.wallet,
            "expires_at": self.expires_at.isoformat(),
            "points": self.points,
        }


def on_day(day: date, *, wallets: Collection[str], zone: tzinfo, at: datetime) -> list[ExpiringPoints]:
    """Return what members can use of these wallets through the local ``day`` and not after it."""
    first, after = start_of_day(day, zone), start_of_day(day + timedelta(days=1), zone)
    # Usable through the day means ending at the next day's first instant.
    lots = Lot.objects.usable(at).filter(
        account__wallet__key__in=wallets, expires_at__gt=first, expires_at__lte=after
    )
    rows = (
        lots.values("account__customer_id", "account__wallet__key", "expires_at")
        .annotate(points=Sum(F("remaining") - F("held")))
        .order_by("account__customer_id", "account__wallet__key", "expires_at")
        .values_list("account__customer_id", "account__wallet__key", "expires_at", "points")
    )
    return [ExpiringPoints(customer, wallet, end, points) for customer, wallet, end, points in rows if end]


def until(moment: datetime, *, at: datetime) -> QuerySet[Lot]:
    """Usable lots that end before ``moment``, the earliest first."""
    lots: QuerySet[Lot] = Lot.objects.usable(at).filter(expires_at__lte=moment)
    return lots.select_related("account__customer", "account__wallet").order_by("expires_at", "id")

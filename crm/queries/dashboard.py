"""Figures of the first page, in the tenant's own days, weeks and months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Sum
from django.db.models.functions import Trunc

from crm.models import Customer, CustomerState, Order, Return


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    """Customers that count (neither merged nor anonymised), those among them who bought, and the new ones."""

    customers: int
    buyers: int
    new: int


@dataclass(frozen=True, slots=True)
class RevenuePoint:
    """One period, named by its first local day; amounts in minor units."""

    starts_on: date
    orders: int
    buyers: int
    revenue_minor: int
    returned_minor: int


def customer_counts(*, since: datetime, until: datetime) -> CustomerCounts:
    """Counts now; ``new`` are those first seen from ``since`` to before ``until``."""
    present = Customer.objects.exclude(state__in=[CustomerState.MERGED, CustomerState.ANONYMISED])
    return CustomerCounts(
        customers=present.count(),
        buyers=present.filter(order_summaries__orders_count__gt=0).count(),
        new=present.filter(first_seen_at__gte=since, first_seen_at__lt=until).count(),
    )


def revenue(*, period: Period, since: datetime, until: datetime, zone: ZoneInfo) -> list[RevenuePoint]:
    """Orders and returns from ``since`` to before ``until``, by local period; empty periods are absent."""
    sold = (
        Order.objects.filter(placed_at__gte=since, placed_at__lt=until)
        .annotate(starts=Trunc(F("placed_at"), period.value, tzinfo=zone))
        .values("starts")
        .annotate(orders=Count("pk"), buyers=Count("customer_id", distinct=True), amount=Sum("total_minor"))
        .order_by("starts")
    )
    returned = (
        Return.objects.filter(returned_at__gte=since, returned_at__lt=until)
        .annotate(starts=Trunc(F("returned_at"), period.value, tzinfo=zone))
        .values_list("starts")
        .annotate(Sum("total_minor"))
        .order_by("starts")
    )
    sold_by_start: dict[datetime, dict[str, Any]] = {row["starts"]: dict(row) for row in sold}
    returned_by_start = dict(returned)
    return [
        RevenuePoint(
            starts_on=starts.date(),
            orders=sold_by_start.get(starts, {}).get("orders", 0),
            buyers=sold_by_start.get(starts, {}).get("buyers", 0),
            revenue_minor=sold_by_start.get(starts, {}).get("amount", 0),
            returned_minor=returned_by_start.get(starts, 0),
        )
        for starts in sorted({*sold_by_start, *returned_by_start})
    ]


def last_activity() -> datetime | None:
    """When the newest order was placed: imported history may end long before today."""
    return Order.objects.order_by("-placed_at").values_list("placed_at", flat=True).first()

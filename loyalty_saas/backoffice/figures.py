"""The dashboard's figures: totals of a period beside the one before, and series by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from crm.models import ComputedTrait, Customer, Order, Return
from crm.models.customer import CustomerState
from loyalty_saas.backoffice.periods import Period
from rewards.models import LedgerTransaction
from rewards.queries import liability, reports
from tenants.models import Tenant

# A trait that the churn model writes; from this probability on a customer counts as at risk.
RISK_TRAIT: Final = "churn_risk"
RISKY_FROM: Final = 0.5


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over one period; money in minor units."""

    revenue_minor: int
    orders: int
    active_customers: int
    new_customers: int
    issued: int
    redeemed: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds now, whatever the period."""

    customers: int
    points_outstanding: int
    liability_minor: int
    at_risk: int
    scored: int


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the period, days outside it left out."""

    first: date
    revenue_minor: int
    active_customers: int
    issued: int
    redeemed: int


def latest_day(tenant: Tenant) -> date:
    """Return today, or the day of the last order where a tenant's history ended before."""
    today = timezone.localdate(timezone=tenant.zone)
    last = Order.objects.order_by("-placed_at", "-id").values_list("placed_at", flat=True).first()
    return min(today, timezone.localdate(last, tenant.zone)) if last else today


def totals(period: Period) -> Totals:
    """Add up one period."""
    orders = _placed(period).aggregate(
        revenue=Sum("total_minor"), orders=Count("pk"), active=Count("customer", distinct=True)
    )
    returned = _returned(period).aggregate(total=Sum("total_minor"))["total"] or 0
    points = _posted(period).aggregate(
        issued=Sum("points", filter=Q(points__gt=0)), redeemed=Sum("points", filter=_IS_SPENT)
    )
    new = Customer.objects.filter(first_seen_at__gte=period.start, first_seen_at__lt=period.end).count()
    return Totals(
        revenue_minor=(orders["revenue"] or 0) - returned,
        orders=orders["orders"],
        active_customers=orders["active"],
        new_customers=new,
        issued=points["issued"] or 0,
        redeemed=-(points["redeemed"] or 0),
    )


_IS_SPENT: Final = Q(kind="redeem", points__lt=0)


def standing() -> Standing:
    """Read what holds now."""
    risk = ComputedTrait.objects.filter(name=RISK_TRAIT).aggregate(
        scored=Count("pk"), risky=Count("pk", filter=Q(number__gte=RISKY_FROM))
    )
    return Standing(
        customers=Customer.objects.filter(state=CustomerState.ACTIVE).count(),
        points_outstanding=reports.outstanding(),
        liability_minor=liability.expected_minor(),
        at_risk=risk["risky"],
        scored=risk["scored"],
    )


def by_month(period: Period) -> list[Month]:
    """Return every month the period touches, empty ones too."""
    zone = period.zone
    orders: dict[datetime, Any] = {
        row["month"]: row
        for row in _placed(period)
        .annotate(month=TruncMonth("placed_at", tzinfo=zone))
        .values("month")
        .annotate(revenue=Sum("total_minor"), active=Count("customer", distinct=True))
        .order_by()
    }
    returned: dict[datetime, int] = dict(
        _returned(period)
        .annotate(month=TruncMonth("returned_at", tzinfo=zone))
        .values_list("month")
        .annotate(total=Sum("total_minor"))
        .order_by()
    )
    points: dict[datetime, Any] = {
        row["month"]: row
        for row in _posted(period)
        .annotate(month=TruncMonth("occurred_at", tzinfo=zone))
        .values("month")
        .annotate(issued=Sum("points", filter=Q(points__gt=0)), redeemed=Sum("points", filter=_IS_SPENT))
        .order_by()
    }
    return [_month(first, period, orders, returned, points) for first in period.months]


def _month(
    first: date,
    period: Period,
    orders: dict[datetime, Any],
    returned: dict[datetime, int],
    points: dict[datetime, Any],
) -> Month:
    key = datetime.combine(first, datetime.min.time(), period.zone)
    order, point = orders.get(key, {}), points.get(key, {})
    return Month(
        first=first,
        revenue_minor=(order.get("revenue") or 0) - (returned.get(key) or 0),
        active_customers=order.get("active") or 0,
        issued=point.get("issued") or 0,
        redeemed=-(point.get("redeemed") or 0),
    )


def _placed(period: Period) -> QuerySet[Order]:
    return Order.objects.filter(placed_at__gte=period.start, placed_at__lt=period.end)


def _returned(period: Period) -> QuerySet[Return]:
    return Return.objects.filter(returned_at__gte=period.start, returned_at__lt=period.end)


def _posted(period: Period) -> QuerySet[LedgerTransaction]:
    return LedgerTransaction.objects.filter(occurred_at__gte=period.start, occurred_at__lt=period.end)

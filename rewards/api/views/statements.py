"""Lots, statements and what is owed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.serializers.movements import (
    ExpiringLotOutput,
    LiabilityInput,
    LiabilityOutput,
    LotOutput,
    LotsInput,
    PeriodInput,
    StatementsOutput,
)
from rewards.domain.expiry import start_of_day
from rewards.models import Lot, LotState
from rewards.queries import expiring, liability, lots, statements
from rewards.queries.liability import LiabilityPart
from tenants.api.pagination import CursorPages, is_natural
from tenants.api.views import TenantAPIView, TenantListView, TenantRequest
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant

_MOST_DAYS: Final = 366
_PERIOD: Final = [
    OpenApiParameter("begin", date, required=True, description="First local day."),
    OpenApiParameter("end", date, required=True, description="Last local day, included."),
]


LOT_FILTERS: Final = [
    OpenApiParameter("state", str, enum=["pending", "active", "expired"]),
    OpenApiParameter("wallet", str),
    OpenApiParameter("expires_before", datetime, description="Those that end before a moment."),
]


def _customer(public_id: UUID) -> Customer:
    customer: Customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
    return customer


def _statements(request: TenantRequest, customer_id: int | None = None) -> Response:
    period = PeriodInput(data=request.query_params.dict())
    period.is_valid(raise_exception=True)
    begin, end = period.validated_data["begin"], period.validated_data["end"]
    zone = active_tenant().zone
    wallets = statements.of_period(
        begins=start_of_day(begin, zone),
        ends=start_of_day(end + timedelta(days=1), zone),
        customer_id=customer_id,
    )
    return Response(StatementsOutput({"begin": begin, "end": end, "wallets": wallets}).data)


def asked_lots(request: TenantRequest, customer_id: int) -> QuerySet[Lot]:
    """Return a customer's lots that still have points, as the query narrows them."""
    pages = CursorPages.page_size_query_param, CursorPages.cursor_query_param
    given = {name: value for name, value in request.query_params.items() if name not in pages}
    asked = LotsInput(data=given)
    asked.is_valid(raise_exception=True)
    values = asked.validated_data
    rows = Lot.objects.filter(account__customer_id=customer_id, is_open=True)
    if "state" in values:
        rows = rows.in_state(LotState(values["state"]), timezone.now())
    if "wallet" in values:
        rows = rows.filter(account__wallet__key=values["wallet"])
    if "expires_before" in values:
        rows = rows.filter(expires_at__lt=values["expires_before"])
    return rows.select_related("account__wallet")


class LotPages(CursorPages):
    ordering = "id"


class LotsView(TenantListView):
    """A customer's open lots."""

    pagination_class = LotPages
    required_permission = Permission.POINTS_VIEW

    @extend_schema(parameters=LOT_FILTERS, responses=LotOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List lots that still have points, the oldest first: pending, active and expired ones."""
        rows = asked_lots(request, _customer(public_id).pk)
        return self.page(rows, LotOutput, request, told=lots.told)


class ExpiringView(TenantListView):
    """What expires by when, of all members."""

    pagination_class = LotPages
    required_permission = Permission.POINTS_VIEW

    @extend_schema(
        parameters=[OpenApiParameter("days", int, description="Within so many days; 30 unless said.")],
        responses=ExpiringLotOutput(many=True),
    )
    def get(self, request: TenantRequest) -> Response:
        """List usable lots that end within the next days."""
        at = timezone.now()
        return self.page(expiring.until(_until(request, at), at=at), ExpiringLotOutput, request)


def _until(request: TenantRequest, at: datetime) -> datetime:
    given = request.query_params.get("days", "30")
    if not (is_natural(given, digits=3) and 1 <= int(given) <= _MOST_DAYS):
        raise ValidationError({"days": f"A whole number from 1 to {_MOST_DAYS}."})
    return at + timedelta(days=int(given))


class CustomerStatementView(TenantAPIView):
    """A member's statement."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(parameters=_PERIOD, responses=StatementsOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """Read what a period began with, what moved and what it ended with, by wallet."""
        return _statements(request, _customer(public_id).pk)


class StatementView(TenantAPIView):
    """The tenant's statement."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(parameters=_PERIOD, responses=StatementsOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read the statement of all members together, by wallet."""
        return _statements(request)


class LiabilityView(TenantAPIView):
    """What the program owes."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(
        parameters=[OpenApiParameter("month_end", date, description="A stored month end instead of now.")],
        responses=LiabilityOutput,
    )
    def get(self, request: TenantRequest) -> Response:
        """Read open points and money by wallet, tier and age (months up to), and the stored month ends."""
        asked = LiabilityInput(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        end = asked.validated_data.get("month_end")
        body = {
            "currency": active_tenant().currency,
            "parts": liability.now(at=timezone.now()) if end is None else _month_end(end),
            "month_ends": liability.month_ends(),
        }
        return Response(LiabilityOutput(body).data)


def _month_end(end: date) -> list[LiabilityPart]:
    parts = liability.at_month_end(end)
    if not parts:
        raise ValidationError({"month_end": "No such month end is stored."})
    return parts

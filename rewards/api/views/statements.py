"""Lots, statements and what is owed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.serializers.movements import (
    ExpiringLotOutput,
    LiabilityOutput,
    LotOutput,
    PeriodInput,
    StatementsOutput,
)
from rewards.domain.expiry import start_of_day
from rewards.models import Lot
from rewards.queries import expiring, liability, statements
from tenants.api.pagination import CursorPages, is_natural
from tenants.api.views import TenantAPIView, TenantListView, TenantRequest
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant

_MOST_DAYS: Final = 366
_PERIOD: Final = [
    OpenApiParameter("begin", date, required=True, description="First local day."),
    OpenApiParameter("end", date, required=True, description="Last local day, included."),
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


class LotPages(CursorPages):
    ordering = "id"


class LotsView(TenantListView):
    """A customer's open lots."""

    pagination_class = LotPages
    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=LotOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List lots that still have points, the oldest first: pending, active and expired ones."""
        rows = Lot.objects.filter(account__customer=_customer(public_id), is_open=True)
        return self.page(rows.select_related("account__wallet"), LotOutput, request)


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

    @extend_schema(responses=LiabilityOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read open points and money by wallet, tier and age (months up to), and the stored month ends."""
        body = {
            "currency": active_tenant().currency,
            "parts": liability.now(at=timezone.now()),
            "month_ends": liability.month_ends(),
        }
        return Response(LiabilityOutput(body).data)

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from rewards.api.serializers.points import AdjustInput, AdjustmentOutput, EntryOutput, PointsOutput
from rewards.api.views.requests import customer_of, keyed, posted
from rewards.queries import balances
from rewards.services import points
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantListView, TenantRequest, read
from tenants.domain.permissions import Permission


class PointsView(TenantAPIView):
    """A customer's balances by wallet and what expires when."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=PointsOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """Read the balances; points past their expiry do not count, even before they are swept."""
        customer, at = customer_of(public_id), timezone.now()
        found = balances.of_customers([customer.pk], at=at).get(customer.pk, [])
        body = {"balances": found, "expiring": balances.expiring(customer.pk, at=at)}
        return Response(PointsOutput(body).data)


class EntriesView(TenantListView):
    """A customer's ledger lines."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=EntryOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List ledger lines, the latest first."""
        return self.page(balances.entries_of(customer_of(public_id).pk), EntryOutput, request)


class AdjustView(TenantAPIView):
    """Adjustments by hand."""

    required_permission = Permission.POINTS_ADJUST

    @extend_schema(request=AdjustInput, responses={201: AdjustmentOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Credit or debit points with a reason; `insufficient_points` says how many are `missing`."""
        data = read(AdjustInput, request)
        wallet_key = data.pop("wallet")
        customer = customer_of(public_id)
        posting = points.adjust(customer=customer, wallet_key=wallet_key, **data, **keyed(request))
        return Response(AdjustmentOutput(posted(posting, customer.pk, wallet_key)).data, status=201)

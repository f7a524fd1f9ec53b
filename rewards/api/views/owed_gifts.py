from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from rewards.api.serializers.owed_gifts import OwedGiftOutput
from rewards.api.views.requests import customer_of
from rewards.queries import owed_gifts
from tenants.api.views import TenantListView, TenantRequest
from tenants.domain.permissions import Permission


class OwedGiftsView(TenantListView):
    """What emergency brakes kept back from a customer."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=OwedGiftOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List what rules and challenges would have given, and what became of it, the latest first."""
        return self.page(owed_gifts.of_customer(customer_of(public_id)), OwedGiftOutput, request)

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.serializers.recommendations import (
    RecommendationsOutput,
    RecommendationsQuery,
    rendered,
)
from recommendations.queries import recommendations
from tenants.api.views import TenantAPIView
from tenants.domain.permissions import Permission


class CustomerRecommendationsView(TenantAPIView):
    """What to show to a customer, best first, each with its reason."""

    permissions = {"get": Permission.RECOMMENDATIONS_VIEW}

    @extend_schema(parameters=[RecommendationsQuery], responses=RecommendationsOutput)
    def get(self, request: Request, public_id: UUID) -> Response:
        """Return a slot of the customer; without a list of their own, what is popular."""
        asked = RecommendationsQuery(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        found = recommendations.of_customer(public_id=public_id, **asked.validated_data)
        return Response(rendered(found))

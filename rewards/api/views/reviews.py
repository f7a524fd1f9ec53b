from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from rewards.api.filters import ReviewFilter
from rewards.api.serializers.drafted import DraftedOutput
from rewards.api.serializers.reviews import (
    DecisionInput,
    ReviewOutput,
    VelocityLimitInput,
    VelocityLimitsOutput,
)
from rewards.api.views.requests import drafted, signed
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import AbuseReview
from rewards.services import offer_drafts, reviews, velocity
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class ReviewViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """What came too fast or looks wrong and waits for a person."""

    queryset = AbuseReview.objects.none()
    permissions = dict.fromkeys(("list", "retrieve", "decide"), Permission.REVIEWS_DECIDE)
    filterset_class = ReviewFilter
    serializer_class = ReviewOutput

    def get_queryset(self) -> QuerySet[AbuseReview]:
        found: QuerySet[AbuseReview] = AbuseReview.objects.select_related("customer")
        return found

    @extend_schema(request=DecisionInput, responses=ReviewOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def decide(self, request: TenantRequest, public_id: Any) -> Response:
        """Approve, so that what waits goes on, or reject it; 409 when somebody was faster."""
        data = read(DecisionInput, request)
        row = reviews.decide(review=self.get_object(), **data, **signed(request))
        return Response(ReviewOutput(row).data)


class VelocityLimitsView(TenantAPIView):
    """How many are too many."""

    required_permission = Permission.PROGRAM_EDIT

    @extend_schema(responses=VelocityLimitsOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read the limits, the usual ones where the tenant has none of its own."""
        return _shown()

    @extend_schema(request=VelocityLimitInput, responses={202: DraftedOutput})
    def put(self, request: TenantRequest) -> Response:
        """Set one limit in the program's draft; the others stay. It holds once that is published."""
        data = read(VelocityLimitInput, request)
        limit = VelocityLimit(Pace(data["kind"]), data["most"], data["window_hours"])
        return drafted(offer_drafts.put(limit, **signed(request)))


def _shown() -> Response:
    limits = [
        {"kind": each.kind.value, "most": each.most, "window_hours": each.window_hours}
        for each in velocity.limits(at=timezone.now()).values()
    ]
    return Response(VelocityLimitsOutput({"limits": limits}).data)

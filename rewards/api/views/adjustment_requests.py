"""Adjustments above a limit: asked for by one, decided by another."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.filters import AdjustmentRequestFilter
from rewards.api.serializers.adjustment_requests import (
    AdjustmentRequestInput,
    AdjustmentRequestOutput,
    ApprovalInput,
    RefusalInput,
)
from rewards.api.views.requests import named
from rewards.models import AdjustmentRequest
from rewards.services import points
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class AdjustmentRequestViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Adjustments that wait for another person, and what became of them."""

    queryset = AdjustmentRequest.objects.none()
    permissions = {
        **dict.fromkeys(("list", "retrieve"), Permission.POINTS_VIEW),
        "create": Permission.POINTS_ADJUST,
        **dict.fromkeys(("approve", "reject"), Permission.POINTS_APPROVE),
    }
    filterset_class = AdjustmentRequestFilter
    serializer_class = AdjustmentRequestOutput

    def get_queryset(self) -> QuerySet[AdjustmentRequest]:
        found: QuerySet[AdjustmentRequest] = AdjustmentRequest.objects.select_related("customer", "wallet")
        return found

    @extend_schema(request=AdjustmentRequestInput, responses={201: AdjustmentRequestOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Ask for an adjustment that somebody else decides; no points move yet."""
        data = read(AdjustmentRequestInput, request)
        asked = points.request(
            customer=named(Customer.objects.all(), "customer", public_id=data["customer"]),
            points=data["points"],
            reason=data["reason"],
            wallet_key=data["wallet"],
            idempotency_key=request.headers["Idempotency-Key"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return self._shown(asked, 201)

    @extend_schema(request=ApprovalInput, responses=AdjustmentRequestOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def approve(self, request: TenantRequest, public_id: Any) -> Response:
        """Carry out another's request; `own_request` for one's own, `adjustment_decided` when it is late."""
        data, asked = read(ApprovalInput, request), self.get_object()
        points.approve(request=asked, note=data["note"], by=request.access.actor, at=timezone.now())
        return self._shown(asked)

    @extend_schema(request=RefusalInput, responses=AdjustmentRequestOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def reject(self, request: TenantRequest, public_id: Any) -> Response:
        """Refuse another's request with a reason; nothing moves."""
        data, asked = read(RefusalInput, request), self.get_object()
        points.reject(request=asked, note=data["note"], by=request.access.actor, at=timezone.now())
        return self._shown(asked)

    def _shown(self, asked: AdjustmentRequest, status: int = 200) -> Response:
        row = self.get_queryset().get(pk=asked.pk)
        return Response(AdjustmentRequestOutput(row).data, status=status)

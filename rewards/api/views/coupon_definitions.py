from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from rewards.api.filters import CouponDefinitionFilter
from rewards.api.serializers.coupon_definitions import (
    CouponDefinitionInput,
    CouponDefinitionOutput,
    CouponDefinitionPatch,
)
from rewards.api.serializers.coupons import CouponConflictsOutput
from rewards.models import CouponDefinition
from rewards.queries import coupon_conflicts
from rewards.services.coupons import definitions
from rewards.services.coupons.definitions import DefinitionTerms
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class CouponDefinitionViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """The terms of offers."""

    queryset = CouponDefinition.objects.none()
    permissions = {
        **dict.fromkeys(("list", "retrieve", "conflicts"), Permission.COUPONS_VIEW),
        **dict.fromkeys(("create", "partial_update", "archive"), Permission.COUPONS_EDIT),
    }
    filterset_class = CouponDefinitionFilter
    serializer_class = CouponDefinitionOutput

    def get_queryset(self) -> QuerySet[CouponDefinition]:
        found: QuerySet[CouponDefinition] = CouponDefinition.objects.select_related("campaign")
        return found

    @extend_schema(request=CouponDefinitionInput, responses={201: CouponDefinitionOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Create a coupon; a key that is taken is a 409."""
        data = read(CouponDefinitionInput, request)
        definition = definitions.create(
            key=data.pop("key"),
            campaign_key=data.pop("campaign", None),
            skus=data.pop("items", None),
            generic_code=data.pop("generic_code", ""),
            terms=DefinitionTerms(**data),
            by=request.access.actor,
            at=timezone.now(),
        )
        return self._shown(definition, 201)

    @extend_schema(request=CouponDefinitionPatch, responses=CouponDefinitionOutput)
    def partial_update(self, request: TenantRequest, public_id: Any) -> Response:
        """Patch a coupon: what is not named stays; codes that are out keep their number of uses."""
        data = read(CouponDefinitionPatch, request)
        definition = definitions.change(
            definition=self.get_object(),
            skus=data.pop("items", None),
            generic_code=data.pop("generic_code", ""),
            values=data,
            by=request.access.actor,
            at=timezone.now(),
        )
        return self._shown(definition)

    @extend_schema(request=None, responses=CouponDefinitionOutput)
    @action(detail=True, methods=["post"])
    def archive(self, request: TenantRequest, public_id: Any) -> Response:
        """Offer the coupon no more: its codes are refused as `not_offered`. May be repeated."""
        return self._shown(
            definitions.archive(definition=self.get_object(), by=request.access.actor, at=timezone.now())
        )

    @extend_schema(responses=CouponConflictsOutput)
    @action(detail=True, methods=["get"])
    def conflicts(self, request: TenantRequest, public_id: Any) -> Response:
        """List what the coupon does to the others that are offered: overlaps, contradictory stacking."""
        found = coupon_conflicts.of(self.get_object())
        return Response(CouponConflictsOutput({"conflicts": found}).data)

    def _shown(self, definition: CouponDefinition, status: int = 200) -> Response:
        row = self.get_queryset().get(pk=definition.pk)
        return Response(CouponDefinitionOutput(row).data, status=status)

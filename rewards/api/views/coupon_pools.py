from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from rewards.api.filters import CouponPoolFilter
from rewards.api.serializers.coupon_pools import (
    CodeLookupOutput,
    CouponPoolInput,
    CouponPoolOutput,
    PoolCodeOutput,
    VoidInput,
)
from rewards.api.views.requests import named, signed
from rewards.models import CouponCode, CouponDefinition, CouponPool
from rewards.queries import coupons
from rewards.services.coupons import issuing, pools
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class CouponPoolViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Sets of unique codes."""

    queryset = CouponPool.objects.none()
    # Unused codes are money: who may not make coupons does not read them.
    permissions = {
        **dict.fromkeys(("list", "retrieve"), Permission.COUPONS_VIEW),
        **dict.fromkeys(("create", "codes"), Permission.COUPONS_EDIT),
    }
    filterset_class = CouponPoolFilter
    serializer_class = CouponPoolOutput

    def get_queryset(self) -> QuerySet[CouponPool]:
        found: QuerySet[CouponPool] = CouponPool.objects.select_related("definition")
        return found

    @extend_schema(request=CouponPoolInput, responses={201: CouponPoolOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Order codes, which a job makes while `codes_count` rises, or store codes made elsewhere."""
        data = read(CouponPoolInput, request)
        definition = named(
            CouponDefinition.objects.filter(is_active=True), "definition", key=data["definition"]
        )
        common: dict[str, Any] = {"definition": definition, "name": data["name"], **signed(request)}
        if "count" in data:
            pool, _job = pools.generate(count=data["count"], **common)
        else:
            pool = pools.import_codes(codes=data["codes"], **common)
        return Response(CouponPoolOutput(self.get_queryset().get(pk=pool.pk)).data, status=201)

    @extend_schema(responses=PoolCodeOutput(many=True))
    @action(detail=True, methods=["get"])
    def codes(self, request: TenantRequest, public_id: Any) -> Response:
        """List the pool's codes."""
        rows = CouponCode.objects.filter(pool=self.get_object())
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(PoolCodeOutput(page, many=True).data)


class CouponCodeView(TenantAPIView):
    """One code by its text."""

    required_permission = Permission.COUPONS_VIEW

    @extend_schema(responses=CodeLookupOutput)
    def get(self, request: TenantRequest, code: str) -> Response:
        """Read a code: its state, owner, uses and balance. Spelling does not matter."""
        return _shown(code)


class VoidCodeView(TenantAPIView):
    """Switching one code off."""

    required_permission = Permission.COUPONS_EDIT

    @extend_schema(request=VoidInput, responses=CodeLookupOutput)
    @idempotent
    def post(self, request: TenantRequest, code: str) -> Response:
        """Switch a code off for ever; the reason stands in the audit log."""
        issuing.void(text=code, reason=read(VoidInput, request)["reason"], **signed(request))
        return _shown(code)


def _shown(text: str) -> Response:
    row = coupons.code_of(text)
    if row is None:
        raise Http404
    return Response(CodeLookupOutput(row).data)

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.serializers.merges import MergeInput, MergeOutput, MergePreviewOutput
from crm.models import Customer, CustomerMerge
from crm.queries import merges as merge_queries
from crm.services import merges
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class MergePreviewView(TenantAPIView):
    """What a merge would do."""

    required_permission = Permission.CUSTOMERS_VIEW

    @extend_schema(request=MergeInput, responses=MergePreviewOutput)
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Compare this customer with the one to absorb, side by side; nothing changes."""
        data = read(MergeInput, request)
        found = merge_queries.preview(
            _customer(public_id),
            _customer(data["absorbed"]),
            choices=data.get("choices", {}),
            at=timezone.now(),
        )
        return Response(MergePreviewOutput(found).data)


class MergeView(TenantAPIView):
    """Merging another customer into this one."""

    required_permission = Permission.CUSTOMERS_MERGE

    @extend_schema(request=MergeInput, responses={201: MergeOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Merge: orders, events, identities, points and all else of `absorbed` become this customer's."""
        data = read(MergeInput, request)
        merge = merges.merge(
            survivor=_customer(public_id),
            absorbed=_customer(data["absorbed"]),
            choices=data.get("choices", {}),
            reason=data.get("reason", ""),
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(MergeOutput(merge).data, status=201)


class MergeViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Merges that were made, the undone ones too."""

    queryset = CustomerMerge.objects.none()
    permissions = {
        "list": Permission.CUSTOMERS_VIEW,
        "retrieve": Permission.CUSTOMERS_VIEW,
        "undo": Permission.CUSTOMERS_MERGE,
    }
    serializer_class = MergeOutput

    def get_queryset(self) -> QuerySet[CustomerMerge]:
        return merge_queries.newest_first()

    @extend_schema(request=None, responses=MergeOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def undo(self, request: TenantRequest, public_id: Any) -> Response:
        """Give both customers back what they had; what has come since stays with the survivor."""
        merge = merges.unmerge(merge=self.get_object(), by=request.access.actor, at=timezone.now())
        return Response(MergeOutput(merge).data)


def _customer(public_id: UUID) -> Customer:
    customers = Customer.objects.prefetch_related("persons")
    found: Customer = get_object_or_404(customers, public_id=public_id)
    return found

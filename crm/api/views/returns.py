from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.filters import ReturnFilter
from crm.api.serializers.returns import ReturnInput, ReturnOutput
from crm.models import Order, Return, ReturnLine
from crm.services import returns
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.errors import NotFound


class ReturnViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Returns: which lines of which order came back, and what was refunded."""

    queryset = Return.objects.none()
    permissions = {
        "list": Permission.ORDERS_VIEW,
        "retrieve": Permission.ORDERS_VIEW,
        "create": Permission.ORDERS_EDIT,
    }
    filterset_class = ReturnFilter
    serializer_class = ReturnOutput

    def get_queryset(self) -> QuerySet[Return]:
        lines = ReturnLine.objects.select_related("order_line").order_by("order_line__position")
        found: QuerySet[Return] = Return.objects.select_related("customer", "order").prefetch_related(
            Prefetch("lines", lines)
        )
        return found

    @extend_schema(request=ReturnInput, responses={201: ReturnOutput})
    def create(self, request: TenantRequest) -> Response:
        """Record that lines of an order came back; the refund is their share of what was paid."""
        data = read(ReturnInput, request)
        order = Order.objects.filter(external_id=data["order_external_id"]).first()
        if order is None:
            raise NotFound("There is no order with this external id.")
        recorded = returns.record(
            external_id=data["external_id"],
            order=order,
            quantity_by_position={line["position"]: line["quantity"] for line in data["lines"]},
            returned_at=data["returned_at"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(ReturnOutput(self.get_queryset().get(pk=recorded.pk)).data, status=201)

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.filters import OrderFilter
from crm.api.serializers.orders import OrderInput, OrderOutput
from crm.models import Order, OrderLine
from crm.services import customers, orders
from tenants.api.views import TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission


class OrderViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Orders with their lines; documents that are recorded once and never change."""

    queryset = Order.objects.none()
    permissions = {
        "list": Permission.ORDERS_VIEW,
        "retrieve": Permission.ORDERS_VIEW,
        "create": Permission.ORDERS_EDIT,
    }
    filterset_class = OrderFilter
    serializer_class = OrderOutput

    def get_queryset(self) -> QuerySet[Order]:
        lines = OrderLine.objects.select_related("item").order_by("position")
        found: QuerySet[Order] = Order.objects.select_related("customer").prefetch_related(
            Prefetch("lines", lines)
        )
        return found

    @extend_schema(request=OrderInput, responses={201: OrderOutput})
    def create(self, request: TenantRequest) -> Response:
        """Record an order; unknown customers and items are created by their external ids."""
        serializer = OrderInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        data, at = dict(serializer.validated_data), timezone.now()
        reference = data.pop("customer", None) or {}
        order = orders.record(
            customer=customers.obtain(
                public_id=reference.get("id"), external_id=reference.get("external_id"), at=at
            ),
            lines=[orders.NewLine(**line) for line in data.pop("lines")],
            by=request.access.actor,
            at=at,
            **data,
        )
        return Response(OrderOutput(self.get_queryset().get(pk=order.pk)).data, status=201)

"""A tiny API on the real base classes: what every endpoint inherits is tested here once."""

from __future__ import annotations

from typing import Any

from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response

from tenants.api.idempotency import idempotent
from tenants.api.pagination import CursorPages
from tenants.api.serializers import StrictSerializer
from tenants.api.views import TenantAPIView, TenantViewSet
from tenants.domain.permissions import Permission
from tenants.errors import Conflict
from tenants.models import OutboxMessage
from tenants.services import outbox
from tests.conftest import NOW


class Input(StrictSerializer):
    amount = serializers.IntegerField(min_value=1)


class NotEnough(Conflict):
    code = "not_enough"
    title = "Not enough"


class Notes(TenantViewSet):
    permissions = {"list": Permission.CUSTOMERS_VIEW, "create": Permission.CUSTOMERS_EDIT}
    pagination_class = CursorPages
    filterset_fields: list[str] = []

    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(OutboxMessage.objects.all()))
        return self.get_paginated_response([row.payload["amount"] for row in page or []])

    @idempotent
    def create(self, request: Any) -> Response:
        body = Input(data=request.data)
        body.is_valid(raise_exception=True)
        amount = body.validated_data["amount"]
        outbox.publish(topic="note", payload={"amount": amount}, at=NOW)
        if amount == 402:
            raise NotEnough("Forty are missing.", missing=40)
        return Response({"amount": amount}, status=201)


class Undeclared(TenantAPIView):
    def get(self, request: Any) -> Response:
        return Response({})


class Broken(TenantAPIView):
    required_permission = Permission.CUSTOMERS_VIEW

    def get(self, request: Any) -> Response:
        outbox.publish(topic="note", payload={}, at=NOW)
        raise ZeroDivisionError


urlpatterns = [
    path("api/v1/notes", Notes.as_view({"get": "list", "post": "create"})),
    path("api/v1/undeclared", Undeclared.as_view()),
    path("api/v1/broken", Broken.as_view()),
]

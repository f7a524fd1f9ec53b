from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response

from crm.api.filters import EventSchemaFilter
from crm.api.serializers.events import (
    EventSchemaDetail,
    EventSchemaLock,
    EventSchemaOutput,
    PropertySchemaInput,
)
from crm.models import EventSchema, ViolationPolicy
from crm.services import event_schemas
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class EventSchemaViewSet(ListModelMixin, TenantViewSet):
    """What events of each name look like, learnt from traffic; locked, what they must look like."""

    queryset = EventSchema.objects.none()
    permissions = {
        "list": Permission.EVENTS_VIEW,
        "retrieve": Permission.EVENTS_VIEW,
        "lock": Permission.EVENTS_MANAGE,
        "unlock": Permission.EVENTS_MANAGE,
        "change_property": Permission.EVENTS_MANAGE,
    }
    filterset_class = EventSchemaFilter
    serializer_class = EventSchemaOutput

    def get_queryset(self) -> QuerySet[EventSchema]:
        found: QuerySet[EventSchema] = EventSchema.objects.all()
        return found

    @extend_schema(responses=EventSchemaDetail)
    def retrieve(self, request: TenantRequest, public_id: Any) -> Response:
        """One schema with its properties."""
        return self._detail(self.get_object())

    @extend_schema(request=EventSchemaLock, responses=EventSchemaDetail)
    @action(detail=True, methods=["post"], filterset_class=None)
    def lock(self, request: TenantRequest, public_id: Any) -> Response:
        """Declare what has been seen; from now on the rest is rejected or flagged."""
        schema = self.get_object()
        data = read(EventSchemaLock, request)
        policy = ViolationPolicy(data["on_violation"])
        actor, now = request.access.actor, timezone.now()
        return self._detail(event_schemas.lock(schema=schema, on_violation=policy, by=actor, at=now))

    @extend_schema(request=None, responses=EventSchemaDetail)
    @action(detail=True, methods=["post"], filterset_class=None)
    def unlock(self, request: TenantRequest, public_id: Any) -> Response:
        """Accept every event of the name again."""
        schema = self.get_object()
        return self._detail(event_schemas.unlock(schema=schema, by=request.access.actor, at=timezone.now()))

    @extend_schema(request=PropertySchemaInput, responses=EventSchemaDetail)
    @action(detail=True, methods=["post"], url_path="properties", filterset_class=None)
    def change_property(self, request: TenantRequest, public_id: Any) -> Response:
        """Declare a property's type, or say how sensitive it is."""
        schema = self.get_object()
        data = read(PropertySchemaInput, request)
        event_schemas.set_property(schema=schema, **data, by=request.access.actor, at=timezone.now())
        return self._detail(schema)

    def _detail(self, schema: EventSchema) -> Response:
        found = EventSchema.objects.prefetch_related("properties").get(pk=schema.pk)
        return Response(EventSchemaDetail(found).data)

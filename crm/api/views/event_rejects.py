from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.filters import EventRejectFilter
from crm.api.serializers.events import EventRejectOutput, ReplayAllInput, ReplayInput
from crm.api.serializers.jobs import JobStarted
from crm.models import EventReject
from crm.queries import sensitive
from crm.services import event_replays
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.services import jobs


class EventRejectViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Events that were not accepted, and effects that could not be applied, as they came."""

    queryset = EventReject.objects.none()
    permissions = {
        "list": Permission.EVENTS_VIEW,
        "retrieve": Permission.EVENTS_VIEW,
        "replay": Permission.EVENTS_MANAGE,
        "replay_all": Permission.EVENTS_MANAGE,
    }
    filterset_class = EventRejectFilter
    serializer_class = EventRejectOutput

    def get_queryset(self) -> QuerySet[EventReject]:
        found: QuerySet[EventReject] = EventReject.objects.all()
        return found

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "sensitive": sensitive.property_keys()}

    @extend_schema(request=ReplayInput, responses=EventRejectOutput)
    @action(detail=True, methods=["post"], filterset_class=None)
    def replay(self, request: TenantRequest, public_id: Any) -> Response:
        """Send one again, as it came or corrected; ``replayed_at`` is null when it was rejected again."""
        reject = self.get_object()
        data = read(ReplayInput, request)
        again = event_replays.replay(
            reject=reject,
            payload=data.get("payload"),
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(self.get_serializer(again).data)

    @extend_schema(
        operation_id="event_rejects_replay_matching", request=ReplayAllInput, responses={202: JobStarted}
    )
    @action(detail=False, methods=["post"], url_path="replay", filterset_class=None)
    def replay_all(self, request: TenantRequest) -> Response:
        """Send all that match again in the background."""
        data = read(ReplayAllInput, request)
        job = jobs.start(
            kind="crm.replay_rejects",
            params=dict(data),
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(JobStarted({"job": job.public_id}).data, status=202)

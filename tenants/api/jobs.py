"""Jobs over HTTP: what long work is doing, and how it ended."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.filters import StrictFilterSet
from tenants.api.views import TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission
from tenants.models import Job
from tenants.services import jobs


class JobOutput(serializers.ModelSerializer[Job]):
    """A job; ``share_done`` runs from 0 to 1, ``message`` says what it is doing or why it failed."""

    id = serializers.UUIDField(source="public_id")
    share_done = serializers.FloatField()

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "state",
            "done",
            "total",
            "share_done",
            "message",
            "result",
            "created_at",
            "started_at",
            "finished_at",
        ]


class JobFilters(StrictFilterSet):
    kind = django_filters.CharFilter()
    state = django_filters.ChoiceFilter(choices=Job.State.choices)

    class Meta:
        model = Job
        fields: list[str] = []


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Long work, newest first."""

    permissions = {
        "list": Permission.JOBS_VIEW,
        "retrieve": Permission.JOBS_VIEW,
        "cancel": Permission.MODELS_TRAIN,
    }
    serializer_class = JobOutput
    filterset_class = JobFilters
    queryset = Job.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return Job.objects.all()

    @extend_schema(request=None, responses=JobOutput)
    def cancel(self, request: Request, public_id: str) -> Response:
        """Cancel a waiting job at once; ask a running one to stop at its next step."""
        job = get_object_or_404(self.get_queryset(), public_id=public_id)
        actor = cast("TenantRequest", request).access.actor
        return Response(JobOutput(jobs.cancel(job=job, by=actor, at=timezone.now())).data)

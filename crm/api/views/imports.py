"""Imports over HTTP: the wizard's steps, each one call; the long ones answer 202 with the job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from crm.api.filters import ImportFilter
from crm.api.serializers.imports import ImportOutput, ImportUpload, PlanInput
from crm.api.serializers.jobs import JobStarted
from crm.models import ImportRun
from crm.queries import failed_rows
from crm.services.imports import wizard
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.models import Job


class ImportViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Files on their way in: uploaded, mapped, checked, loaded, undone."""

    queryset = ImportRun.objects.none()
    permissions = {
        "list": Permission.CUSTOMERS_VIEW,
        "retrieve": Permission.CUSTOMERS_VIEW,
        **dict.fromkeys(
            ("upload", "map", "check", "load", "undo", "retry", "failed_rows"), Permission.CUSTOMERS_IMPORT
        ),
    }
    filterset_class = ImportFilter
    serializer_class = ImportOutput

    def get_queryset(self) -> QuerySet[ImportRun]:
        found: QuerySet[ImportRun] = ImportRun.objects.all()
        return found

    @extend_schema(request={"multipart/form-data": ImportUpload}, responses={201: ImportOutput})
    @action(detail=False, methods=["post"], url_path="upload", parser_classes=[MultiPartParser])
    def upload(self, request: TenantRequest) -> Response:
        """Upload a file; the answer holds the columns found and the plan proposed for them."""
        data = read(ImportUpload, request)
        file = data["file"]
        run = wizard.upload(
            kind=data["kind"],
            file_name=file.name,
            chunks=file.chunks(),
            encoding=data["encoding"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(ImportOutput(run).data, status=201)

    @extend_schema(request=PlanInput, responses=ImportOutput)
    @action(detail=True, methods=["post"])
    def map(self, request: TenantRequest, public_id: Any) -> Response:
        """Say what becomes of each column; remembered for files with the same columns."""
        data = read(PlanInput, request)
        run = wizard.choose_plan(
            run=self.get_object(),
            plan=data["plan"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(ImportOutput(run).data)

    @extend_schema(request=None, responses={202: JobStarted})
    @action(detail=True, methods=["post"])
    def check(self, request: TenantRequest, public_id: Any) -> Response:
        """Start the dry run; its counts are in ``check_report`` when the job has ended."""
        return self._started(request, wizard.start_check)

    @extend_schema(request=None, responses={202: JobStarted})
    @action(detail=True, methods=["post"])
    def load(self, request: TenantRequest, public_id: Any) -> Response:
        """Start the load of a checked file, or go on with one that failed half-way."""
        return self._started(request, wizard.start_load)

    @extend_schema(request=None, responses={202: JobStarted})
    @action(detail=True, methods=["post"])
    def undo(self, request: TenantRequest, public_id: Any) -> Response:
        """Start taking back what the import did; ``undo_report`` says what stayed and why."""
        return self._started(request, wizard.start_undo)

    @extend_schema(request=None, responses={201: ImportOutput})
    @action(detail=True, methods=["post"])
    def retry(self, request: TenantRequest, public_id: Any) -> Response:
        """Make a new import of only the failed rows, mapped like this one."""
        again = wizard.retry_failed(run=self.get_object(), by=request.access.actor, at=timezone.now())
        return Response(ImportOutput(again).data, status=201)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"], url_path="failed-rows", filterset_class=None)
    def failed_rows(self, request: TenantRequest, public_id: Any) -> StreamingHttpResponse:
        """The failed rows with their reasons, as CSV that can be corrected and uploaded again."""
        chunks = failed_rows.in_scope(self.get_object())
        return StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")

    def _started(self, request: TenantRequest, step: Callable[..., Job]) -> Response:
        job = step(run=self.get_object(), by=request.access.actor, at=timezone.now())
        return Response(JobStarted({"job": job.public_id}).data, status=202)

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.serializers.imports import ExportInput, ExportOutput
from crm.models import Export
from crm.services.exports import exports
from tenants import files as private_files
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class ExportViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Lists as files: asked for, written in the background, fetched until they expire."""

    queryset = Export.objects.none()
    permissions = dict.fromkeys(("list", "retrieve", "create", "file"), Permission.DATA_EXPORT)
    serializer_class = ExportOutput
    ordering = ("-requested_at", "-id")

    def get_queryset(self) -> QuerySet[Export]:
        found: QuerySet[Export] = Export.objects.all()
        return found

    @extend_schema(request=ExportInput, responses={202: ExportOutput})
    def create(self, request: TenantRequest) -> Response:
        """Ask for a list as a file; ``job`` says how far it is."""
        given = read(ExportInput, request)
        export = exports.start(
            list_key=given["list"],
            format=given["format"],
            filters=given.get("filters", {}),
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(ExportOutput(export).data, status=202)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def file(self, request: TenantRequest, public_id: Any) -> FileResponse:
        """Fetch the file; 409 while it is not written, or when it has expired."""
        token = exports.link_token(export=self.get_object(), by=request.access.actor)
        export = exports.opened(token=token, by=request.access.actor, at=timezone.now())
        path = private_files.absolute(export.file_path)
        return FileResponse(path.open("rb"), as_attachment=True, filename=f"{export}")

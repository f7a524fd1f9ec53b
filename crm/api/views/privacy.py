from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.serializers.privacy import (
    PrivacyRequestOutput,
    RetentionInput,
    RetentionOutput,
    TombstoneInput,
    TombstoneLifted,
)
from crm.domain.identities import normalise
from crm.models import Customer, PrivacyRequest
from crm.queries import privacy as privacy_queries
from crm.services import privacy_requests, retention, tombstones
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.errors import NotFound


class ExportView(TenantAPIView):
    """The archive of a customer's data."""

    required_permission = Permission.PRIVACY_MANAGE

    @extend_schema(request=None, responses={202: PrivacyRequestOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Ask for the archive; a worker makes it, and the request then offers the file."""
        wanted = privacy_requests.request_export(
            customer=_customer(public_id), by=request.access.actor, at=timezone.now()
        )
        return Response(PrivacyRequestOutput(wanted).data, status=202)


class EraseView(TenantAPIView):
    """Forgetting a customer."""

    required_permission = Permission.PRIVACY_MANAGE

    @extend_schema(request=None, responses={202: PrivacyRequestOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Erase now, or after the tenant's days of grace; the books stay by number."""
        wanted = privacy_requests.request_erasure(
            customer=_customer(public_id), by=request.access.actor, at=timezone.now()
        )
        return Response(PrivacyRequestOutput(wanted).data, status=202)


class PrivacyRequestViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Requests to get data or to be forgotten."""

    queryset = PrivacyRequest.objects.none()
    permissions = {
        "list": Permission.PRIVACY_VIEW,
        "retrieve": Permission.PRIVACY_VIEW,
        "archive": Permission.PRIVACY_MANAGE,
        "cancel": Permission.PRIVACY_MANAGE,
    }
    serializer_class = PrivacyRequestOutput

    def get_queryset(self) -> QuerySet[PrivacyRequest]:
        return privacy_queries.requests()

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def archive(self, request: TenantRequest, public_id: Any) -> HttpResponse:
        """Download the ZIP file; 404 before it is made and a week after."""
        found = privacy_queries.archive_of(self.get_object())
        if found is None:
            raise NotFound("There is no archive of this request.")
        response = HttpResponse(bytes(found.content), content_type="application/zip")
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(request=None, responses=PrivacyRequestOutput)
    @action(detail=True, methods=["post"])
    def cancel(self, request: TenantRequest, public_id: Any) -> Response:
        """Cancel a request that waits."""
        wanted = privacy_requests.cancel(
            request=self.get_object(), by=request.access.actor, at=timezone.now()
        )
        return Response(PrivacyRequestOutput(wanted).data)


class TombstoneLiftView(TenantAPIView):
    """Letting an erased person come back at their own wish."""

    required_permission = Permission.PRIVACY_MANAGE

    @extend_schema(request=TombstoneInput, responses=TombstoneLifted)
    def post(self, request: TenantRequest) -> Response:
        """Take the tombstone of one identity away."""
        identity = read(TombstoneInput, request)["identity"]
        kind, value = identity["kind"], identity["value"]
        is_lifted = tombstones.lift(
            kind=kind, value=normalise(kind, value) or value, by=request.access.actor, at=timezone.now()
        )
        return Response(TombstoneLifted({"is_lifted": is_lifted}).data)


class RetentionView(TenantAPIView):
    """How many days each class of data is kept."""

    permissions = {"get": Permission.PRIVACY_VIEW, "post": Permission.PRIVACY_MANAGE}

    @extend_schema(responses=RetentionOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read the days of every class; null means for ever."""
        return Response(_retention())

    @extend_schema(request=RetentionInput, responses=RetentionOutput)
    def post(self, request: TenantRequest) -> Response:
        """Change the days of one class; the next nightly purge follows it."""
        data = read(RetentionInput, request)
        retention.change(**data, by=request.access.actor, at=timezone.now())
        return Response(_retention())


def _retention() -> Any:
    told = {"days_by_class": retention.days_by_class(), "purges": privacy_queries.purges()}
    return RetentionOutput(told).data


def _customer(public_id: UUID) -> Customer:
    found: Customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
    return found

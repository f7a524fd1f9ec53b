"""Base classes of the API's views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from tenants.access import Access
from tenants.api.pagination import CursorPages
from tenants.api.throttling import KeyThrottle
from tenants.domain.permissions import Permission


class TenantRequest(Request):
    """For type annotations: the framework's request after the middleware has granted access."""

    access: Access


def read(serializer_class: type[BaseSerializer[Any]], request: TenantRequest) -> dict[str, Any]:
    """Return the checked body; what is wrong with it becomes a 400 that names the fields."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class TenantAPIView(APIView):
    """A single resource or action. Declares ``required_permission`` or ``permissions`` by method."""

    permissions: ClassVar[dict[str, Permission]] = {}
    required_permission: ClassVar[Permission | None] = None
    throttle_classes = [KeyThrottle]


class TenantListView(TenantAPIView):
    """A list that hangs on something else: ``page`` answers one page of it."""

    # Named so that the schema describes pages as well.
    pagination_class: ClassVar[type[CursorPagination]] = CursorPages

    def page(
        self,
        rows: QuerySet[Any],
        output: type[BaseSerializer[Any]],
        request: TenantRequest,
        *,
        told: Callable[[list[Any]], list[Any]] = list,
    ) -> Response:
        """Answer one page of ``rows``; ``told`` adds to a page's rows what they are shown with."""
        pages = self.pagination_class()
        found = pages.paginate_queryset(rows, request, self) or []
        return pages.get_paginated_response(output(told(found), many=True).data)


class TenantViewSet(GenericViewSet[Any]):
    """A list of objects, found by ``public_id``. Declares ``permissions`` by action."""

    permissions: ClassVar[dict[str, Permission]] = {}
    throttle_classes = [KeyThrottle]
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

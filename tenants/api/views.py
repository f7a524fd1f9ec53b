"""Base classes of the API's views."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from tenants.access import Access
from tenants.api.throttling import KeyThrottle
from tenants.domain.permissions import Permission


class TenantRequest(Request):
    """For type annotations: the framework's request after the middleware has granted access."""

    access: Access


class TenantAPIView(APIView):
    """A single resource or action. Declares ``required_permission`` or ``permissions`` by method."""

    permissions: ClassVar[dict[str, Permission]] = {}
    required_permission: ClassVar[Permission | None] = None
    throttle_classes = [KeyThrottle]


class TenantViewSet(GenericViewSet[Any]):
    """A list of objects, found by ``public_id``. Declares ``permissions`` by action."""

    permissions: ClassVar[dict[str, Permission]] = {}
    throttle_classes = [KeyThrottle]
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

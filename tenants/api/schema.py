"""What the schema generator cannot read off the code."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from tenants.api.idempotency import MAX_KEY_LENGTH
from tenants.api.problems import CONTENT_TYPE
from tenants.api.serializers import ProblemOutput

_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
    OpenApiParameter.HEADER,
    required=True,
    description="A new one for each new request; a retry with the same key gets the stored answer.",
)


class ApiSchema(AutoSchema):
    """Says of every operation that failures are problems, and of writes once per key that they want one."""

    def get_override_parameters(self) -> list[Any]:
        handler = getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)
        return [_KEY] if getattr(handler, "is_idempotent", False) else []

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        # Any JSON includes null already; as an alternative of its own it would match twice.
        return {} if schema == {"oneOf": [{}, {"type": "null"}]} else schema

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        arguments = (ProblemOutput, "default", [CONTENT_TYPE], direction)
        return {**bodies, "default": self._get_response_for_code(*arguments)}  # type: ignore[no-untyped-call]


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # a registering metaclass
    """An API key as a bearer token."""

    target_class = "tenants.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A secret or publishable API key."}

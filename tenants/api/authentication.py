from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tenants.domain.actors import Actor


class ApiKeyUser:
    """What the API framework calls the user: the key's actor."""

    is_authenticated = True
    is_active = True

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.pk = actor.id

    def __str__(self) -> str:
        return self.actor.label


class ApiKeyAuthentication(BaseAuthentication):
    """The middleware has checked the key and opened its tenant's scope; this hands the result on."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        access = getattr(request._request, "access", None)  # noqa: SLF001 - the framework's wrapped request
        if access is None:
            return None
        request.access = access  # type: ignore[attr-defined]
        return ApiKeyUser(access.actor), access

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'

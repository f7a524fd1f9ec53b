from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.domain.permissions import Permission


def declared_permission(view: Any, method: str) -> Permission | None:
    """Return the permission a view declares for its action or method."""
    by_action: dict[str, Permission] = getattr(view, "permissions", {})
    action = getattr(view, "action", None)
    if action and action in by_action:
        return by_action[action]
    return by_action.get(method.lower()) or getattr(view, "required_permission", None)


class HasDeclaredPermission(BasePermission):
    """Deny by default: a view that declares nothing for its action answers 403 to everybody."""

    message = "Your key does not have the scope this needs."

    def has_permission(self, request: Request, view: Any) -> bool:
        access = getattr(request, "access", None)
        if access is None:
            return False
        wanted = declared_permission(view, request.method or "")
        return wanted is not None and access.can(wanted)

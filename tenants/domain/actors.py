"""Who acts: the ``by`` of every service."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tenants.domain.permissions import Permission
from tenants.errors import PermissionRefused


class ActorKind(StrEnum):
    USER = "user"
    API_KEY = "api_key"
    SYSTEM = "system"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, key or the system itself, with what it may do and where the request came from."""

    kind: ActorKind
    label: str
    id: int | None = None
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    address: str = ""
    request_id: str = ""

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise ``PermissionRefused`` unless the actor holds ``permission``."""
        if not self.can(permission):
            raise PermissionRefused(f"This needs the permission {permission}.", permission=str(permission))


SYSTEM = Actor(kind=ActorKind.SYSTEM, label="system", permissions=frozenset(Permission))

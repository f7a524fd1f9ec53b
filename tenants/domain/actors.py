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
    """A person, key or the system itself, with what it may do and where the request came from.

    ``is_client_app``: the key is a publishable one, so that the request comes from an end client itself.
    """

    kind: ActorKind
    label: str
    id: int | None = None
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    address: str = ""
    request_id: str = ""
    is_client_app: bool = False

    @property
    def ref(self) -> str:
        """Who it is, whatever they are called now: kind and id. A name can change, and two may share one."""
        return f"{self.kind.value}:{'' if self.id is None else self.id}"

    @property
    def client_address(self) -> str:
        """The end client's address; empty where a server of the tenant stands in between."""
        return self.address if self.is_client_app else ""

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise ``PermissionRefused`` unless the actor holds ``permission``."""
        if not self.can(permission):
            raise PermissionRefused(f"This needs the permission {permission}.", permission=str(permission))


SYSTEM = Actor(kind=ActorKind.SYSTEM, label="system", permissions=frozenset(Permission))

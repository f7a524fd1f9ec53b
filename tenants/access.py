"""What a request may do: the tenant it works in and the actor it works as."""

from __future__ import annotations

from dataclasses import dataclass

from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission, Role
from tenants.models import Tenant
from tenants.queries.access import FoundMembership


@dataclass(frozen=True, slots=True)
class Access:
    """Set as ``request.access`` by the middleware that opened the scope."""

    tenant: Tenant
    actor: Actor
    role: Role | None = None
    memberships: tuple[FoundMembership, ...] = ()

    def can(self, permission: Permission) -> bool:
        return self.actor.can(permission)

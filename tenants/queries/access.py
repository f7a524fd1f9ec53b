"""Who is asking: the two reads that happen before a tenant is known.

Both go through SECURITY DEFINER functions that return only the rows of the given key or user, so that the
application role never has to see other tenants' rows to find out whose scope to open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Permission, Role
from tenants.models import User


@dataclass(frozen=True, slots=True)
class FoundKey:
    tenant_id: int
    id: int
    kind: str
    name: str
    digest: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundMembership:
    tenant_id: int
    slug: str
    name: str
    role: Role


def api_key_with_prefix(prefix: str) -> FoundKey | None:
    """Return the key with this prefix, of whichever active tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM tenants_find_api_key(%s)", [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    tenant_id, key_id, kind, name, digest, scopes, expires_at, revoked_at, last_used_at = row
    return FoundKey(
        tenant_id, key_id, kind, name, digest, tuple(scopes), expires_at, revoked_at, last_used_at
    )


def memberships_of(user_id: int) -> list[FoundMembership]:
    """Return the tenants a user belongs to, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM tenants_memberships_of(%s)", [user_id])
        return [
            FoundMembership(tenant_id, slug, name, Role(role))
            for tenant_id, slug, name, role in cursor.fetchall()
        ]


def may_open_tenants(user: User) -> bool:
    """Tell whether a signed-in person may open another tenant: operators, and owners where it is allowed."""
    if user.is_operator:
        return True
    return settings.OWNERS_OPEN_TENANTS and any(
        Permission.TENANTS_OPEN in PERMISSIONS_BY_ROLE[membership.role]
        for membership in memberships_of(user.pk)
    )

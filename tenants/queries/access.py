"""Who is asking: the two reads that happen before a tenant is known.

Both go through SECURITY DEFINER functions that return only the rows of the given key or user, so that the
application role never has to see other tenants' rows to find out whose scope to open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from tenants.domain.permissions import Role


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
    return FoundKey(*row[:5], tuple(row[5]), *row[6:]) if row else None


def memberships_of(user_id: int) -> list[FoundMembership]:
    """Return the tenants a user belongs to, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM tenants_memberships_of(%s)", [user_id])
        return [FoundMembership(*row[:3], Role(row[3])) for row in cursor.fetchall()]

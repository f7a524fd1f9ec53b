"""Turning a credential into access: an API key's text, or a signed-in user's membership."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from tenants.access import Access
from tenants.domain.actors import Actor, ActorKind
from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Permission
from tenants.models import ApiKey, Tenant, User
from tenants.queries import access as found
from tenants.scope import tenant_scope
from tenants.services.api_keys import PREFIX_LENGTH, digest

# Last use is written at most this often: a row lock per request would make a busy key a bottleneck.
LAST_USE_PRECISION = timedelta(minutes=5)


def of_api_key(*, text: str, address: str, request_id: str, at: datetime) -> Access | None:
    """Return the access of a key's text, or None when it is unknown, expired or revoked."""
    # Basic authentication can carry any byte, and the database takes no U+0000.
    key = None if "\0" in text else found.api_key_with_prefix(text[:PREFIX_LENGTH])
    if key is None or not hmac.compare_digest(key.digest, digest(text)):
        return None
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= at):
        return None
    if key.last_used_at is None or at - key.last_used_at > LAST_USE_PRECISION:
        with tenant_scope(key.tenant_id):
            ApiKey.objects.filter(pk=key.id).update(last_used_at=at)
    actor = Actor(
        kind=ActorKind.API_KEY,
        id=key.id,
        label=key.name,
        permissions=frozenset(Permission(scope) for scope in key.scopes),
        address=address,
        request_id=request_id,
        is_client_app=key.kind == ApiKey.Kind.PUBLISHABLE,
    )
    return Access(tenant=Tenant.objects.get(pk=key.tenant_id), actor=actor)


def of_member(*, user: User, slug: str, address: str, request_id: str) -> Access | None:
    """Return the access of a signed-in user to the tenant ``slug``, or None when they are not a member."""
    memberships = tuple(found.memberships_of(user.pk))
    membership = next((row for row in memberships if row.slug == slug), None)
    if membership is None:
        return None
    actor = Actor(
        kind=ActorKind.USER,
        id=user.pk,
        label=user.email,
        permissions=PERMISSIONS_BY_ROLE[membership.role],
        address=address,
        request_id=request_id,
    )
    tenant = Tenant.objects.get(pk=membership.tenant_id)
    return Access(tenant=tenant, actor=actor, role=membership.role, memberships=memberships)

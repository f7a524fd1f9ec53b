"""API keys: 32 random bytes behind a readable prefix; stored as SHA-256, shown once."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime

from tenants.domain.actors import Actor
from tenants.domain.permissions import PUBLISHABLE_SCOPES, SECRET_SCOPES, Permission
from tenants.errors import FieldError, InvalidInput
from tenants.locks import lock_api_key
from tenants.models import ApiKey
from tenants.services import audit

PREFIX_LENGTH = 16
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,250}(:\d{1,5})?")


def digest(key: str) -> str:
    """Return the hex SHA-256 of ``key``. No salt or stretching: the key carries 256 bits of chance."""
    return hashlib.sha256(key.encode()).hexdigest()


def create(
    *,
    name: str,
    kind: ApiKey.Kind,
    by: Actor,
    at: datetime,
    scopes: Iterable[Permission] | None = None,
    expires_at: datetime | None = None,
    origins: Iterable[str] = (),
) -> tuple[ApiKey, str]:
    """Create a key and return it with its text, which cannot be read again. Raises ``InvalidInput``.

    ``origins`` (such as ``https://shop.example``) limit the pages that may use a publishable key.
    """
    allowed = PUBLISHABLE_SCOPES if kind == ApiKey.Kind.PUBLISHABLE else SECRET_SCOPES
    wanted = frozenset(scopes) if scopes is not None else allowed
    if refused := sorted(wanted - allowed):
        detail = f"A {kind.label} key cannot have: {', '.join(refused)}."
        raise InvalidInput(detail, errors=[FieldError("/scopes", "scope_not_allowed", detail)])
    pages = sorted(set(origins))
    if kind == ApiKey.Kind.SECRET and pages:
        raise InvalidInput(errors=[FieldError("/origins", "not_publishable", "A secret key is for no page.")])
    if wrong := [page for page in pages if not _ORIGIN.fullmatch(page)]:
        detail = f"Not an origin: {', '.join(wrong)}."
        raise InvalidInput(detail, errors=[FieldError("/origins", "invalid_origin", detail)])
    prefix = f"{kind.value}_{secrets.token_hex((PREFIX_LENGTH - 3) // 2 + 1)}"[:PREFIX_LENGTH]
    text = f"{prefix}{secrets.token_urlsafe(32)}"
    key: ApiKey = ApiKey.objects.create(
        kind=kind,
        name=name,
        prefix=prefix,
        digest=digest(text),
        scopes=sorted(wanted),
        origins=pages,
        created_at=at,
        expires_at=expires_at,
    )
    audit.record(action="api_key.created", target=key, by=by, at=at, diff={"scopes": [None, key.scopes]})
    return key, text


def revoke(*, api_key: ApiKey, by: Actor, at: datetime) -> ApiKey:
    """End a key at once; revoking twice changes nothing."""
    key = lock_api_key(api_key.pk)
    if key.revoked_at is None:
        key.revoked_at = at
        key.save(update_fields=["revoked_at"])
        audit.record(action="api_key.revoked", target=key, by=by, at=at)
    return key

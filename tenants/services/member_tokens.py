"""Member tokens: short-lived proofs, signed by us, that a request speaks for one customer of one tenant.

The tenant's server asks for one with its secret key and hands it to the member's app, which sends it next to
a publishable key. Nothing is stored; a token ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.core.signing import BadSignature, Signer

from tenants.errors import DomainError
from tenants.scope import active_tenant_id

LONGEST: Final = timedelta(hours=24)
USUAL: Final = timedelta(hours=1)
_SALT: Final = "tenants.member-token"


class MemberScope(StrEnum):
    """What the app of a member may do in their name."""

    READ = "read"
    TAKE_PART = "take_part"


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom a token speaks for, for what, and until when."""

    subject: UUID
    scopes: frozenset[MemberScope]
    expires_at: datetime


class InvalidMemberToken(DomainError):
    code = "invalid_member_token"
    status = 401
    title = "The member token is missing, wrong or expired"


class MemberScopeMissing(DomainError):
    code = "member_scope_missing"
    status = 403
    title = "The member token does not allow this"


def mint(
    *, subject: UUID, scopes: Iterable[MemberScope], lifetime: timedelta, at: datetime
) -> tuple[str, Claims]:
    """Return a token of the open scope's tenant and what it claims; it lives at most ``LONGEST``."""
    claims = Claims(subject, frozenset(scopes), at + min(lifetime, LONGEST))
    body = {
        "tenant": active_tenant_id(),
        "sub": str(subject),
        "scopes": sorted(claims.scopes),
        "exp": int(claims.expires_at.timestamp()),
    }
    return Signer(salt=_SALT).sign_object(body), claims


def read(token: str, *, at: datetime) -> Claims:
    """Return what a token claims. Raises ``InvalidMemberToken``, also for another tenant's."""
    try:
        body = Signer(salt=_SALT).unsign_object(token)
        claims = Claims(
            UUID(body["sub"]),
            frozenset(MemberScope(scope) for scope in body["scopes"]),
            datetime.fromtimestamp(body["exp"], UTC),
        )
    except (BadSignature, ValueError, KeyError, TypeError) as error:
        raise InvalidMemberToken from error
    if body["tenant"] != active_tenant_id() or claims.expires_at <= at:
        raise InvalidMemberToken
    return claims

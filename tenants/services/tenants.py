"""Tenants: opening one for a new client company."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, transaction

from tenants.domain.actors import Actor
from tenants.domain.currencies import CODES
from tenants.domain.permissions import Role
from tenants.domain.slugs import RESERVED
from tenants.errors import Conflict, FieldError, InvalidInput, PermissionRefused
from tenants.models import Membership, Tenant, User
from tenants.queries import access
from tenants.scope import tenant_scope
from tenants.services import audit, memberships


class SlugTaken(Conflict):
    code = "slug_taken"
    title = "Another tenant has this slug"


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a tenant is opened with."""

    slug: str
    name: str
    time_zone: str = "UTC"
    currency: str = "USD"
    locale: str = "en"
    vertical: str = Tenant.Vertical.ECOMMERCE.value


@transaction.atomic
def create(
    *,
    slug: str,
    name: str,
    by: Actor,
    at: datetime,
    time_zone: str = "UTC",
    currency: str = "USD",
    locale: str = "en",
    vertical: str = Tenant.Vertical.ECOMMERCE,
) -> Tenant:
    """Open a tenant. Raises ``InvalidInput`` for a wrong field and ``SlugTaken``."""
    tenant = Tenant(
        slug=slug, name=name, time_zone=time_zone, currency=currency, locale=locale, vertical=vertical
    )
    if Tenant.objects.filter(slug=slug).exists():
        raise _taken(slug)
    check_new(tenant)
    try:
        with transaction.atomic():
            tenant.save()
    except IntegrityError as error:
        raise _taken(slug) from error
    with tenant_scope(tenant):
        audit.record(action="tenant.created", target=tenant, by=by, at=at)
    return tenant


@transaction.atomic
def open_another(*, owner: User, particulars: Particulars, by: Actor, at: datetime) -> Tenant:
    """Open a tenant that a signed-in person then owns. Asked twice for the same, it is opened once.

    Raises ``PermissionRefused`` for who is neither an operator nor, where the installation allows it, an
    owner of another tenant; ``InvalidInput`` and ``SlugTaken`` as ``create`` does.
    """
    if not access.may_open_tenants(owner):
        raise PermissionRefused("Operators open tenants here, or owners where the installation allows it.")
    return open_owned(owner=owner, particulars=particulars, by=by, at=at)


def open_owned(*, owner: User, particulars: Particulars, by: Actor, at: datetime) -> Tenant:
    """Open a tenant with its first owner, in the caller's transaction; the caller knows that they may."""
    try:
        tenant = create(**asdict(particulars), by=by, at=at)
    except SlugTaken:
        present = _owned(owner, particulars)
        if present is None:
            raise
        return present
    with tenant_scope(tenant):
        memberships.add(user=owner, role=Role.OWNER, by=by, at=at)
    return tenant


def _taken(slug: str) -> SlugTaken:
    return SlugTaken(f"A tenant with the slug “{slug}” exists.")


def _owned(owner: User, particulars: Particulars) -> Tenant | None:
    """Return the tenant of exactly these particulars that ``owner`` owns: a form that was sent twice."""
    tenant = Tenant.objects.active().filter(**asdict(particulars)).first()
    if tenant is None:
        return None
    with tenant_scope(tenant):
        is_owner = Membership.objects.filter(user=owner, role=Role.OWNER).exists()
    return tenant if is_owner else None


@transaction.atomic
def change_settings(
    *,
    tenant: Tenant,
    name: str,
    time_zone: str,
    currency: str,
    vertical: str,
    locale: str,
    by: Actor,
    at: datetime,
) -> Tenant:
    """Change what a tenant says of itself; the scope is open. Raises ``InvalidInput`` for a wrong field.

    Zone and currency mean what was recorded under them: callers offer this before there is a program.
    """
    wanted = {
        "name": name,
        "time_zone": time_zone,
        "currency": currency,
        "vertical": vertical,
        "locale": locale,
    }
    diff = {
        field: [getattr(tenant, field), value]
        for field, value in wanted.items()
        if getattr(tenant, field) != value
    }
    for field, value in wanted.items():
        setattr(tenant, field, value)
    _check(tenant)
    if diff:
        tenant.save(update_fields=list(diff))
        audit.record(action="tenant.changed", target=tenant, by=by, at=at, diff=diff)
    return tenant


def check_new(tenant: Tenant) -> None:
    """Raise ``InvalidInput`` with what no tenant can have, or no new one. Others may have the slug."""
    _check(tenant)
    if tenant.slug in RESERVED:
        raise _wrong("slug", "slug_reserved", "The slug is kept for the platform.")


def _check(tenant: Tenant) -> None:
    try:
        tenant.full_clean(validate_unique=False)
    except ValidationError as error:
        errors = [
            FieldError(f"/{field}", "invalid", " ".join(messages))
            for field, messages in error.message_dict.items()
        ]
        raise InvalidInput(errors=errors) from error
    if tenant.currency not in CODES:
        raise _wrong("currency", "unknown_currency", "No such currency (ISO 4217).")
    if tenant.locale not in dict(settings.LANGUAGES):
        raise _wrong("locale", "invalid", f"One of {', '.join(dict(settings.LANGUAGES))}.")
    if not _database_knows(tenant.time_zone):
        raise _wrong("time_zone", "zone_unknown", "The database does not know this time zone.")


def _wrong(field: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError(f"/{field}", code, detail)])


def _database_knows(zone: str) -> bool:
    """Ask PostgreSQL, whose own database of zones can be older than Python's."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT now() AT TIME ZONE %s", [zone])
    except DataError:
        return False
    return True

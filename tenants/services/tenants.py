"""Tenants: opening one for a new client company."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services import audit


class SlugTaken(Conflict):
    code = "slug_taken"
    title = "Another tenant has this slug"


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
        raise SlugTaken(f"A tenant with the slug “{slug}” exists.")
    _check(tenant)
    tenant.save()
    with tenant_scope(tenant):
        audit.record(action="tenant.created", target=tenant, by=by, at=at)
    return tenant


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


def _check(tenant: Tenant) -> None:
    try:
        tenant.full_clean(validate_unique=False)
    except ValidationError as error:
        errors = [
            FieldError(f"/{field}", "invalid", " ".join(messages))
            for field, messages in error.message_dict.items()
        ]
        raise InvalidInput(errors=errors) from error

"""Refuse to run as a role for which row-level security does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.signals import connection_created

_ROLE_QUERY = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
_HINT = "Connect as app_rw (DATABASE_URL); `manage.py bootstrap_database` creates the roles."


def unsafe_role(connection: Any) -> str | None:
    """Return what is wrong with the role of ``connection``, or None."""
    with connection.cursor() as cursor:
        cursor.execute(_ROLE_QUERY)
        name, is_superuser, bypasses = cursor.fetchone()
    if is_superuser:
        return f"The application is connected as {name}, a superuser: row-level security is off."
    if bypasses:
        return f"The application is connected as {name}, which bypasses row-level security."
    return None


@register(Tags.database)
def role_is_bound_by_row_level_security(
    databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    if "default" not in (databases or []):
        return []
    problem = unsafe_role(connections["default"])
    return [Error(problem, hint=_HINT, id="tenants.E001")] if problem else []


def refuse_unsafe_role(*, connection: Any, **_signal: Any) -> None:
    """Every new connection of the application is checked: a wrong URL must not serve one request."""
    if connection.alias == "default" and (problem := unsafe_role(connection)):
        connection.close()
        raise ImproperlyConfigured(f"{problem} {_HINT}")


connection_created.connect(refuse_unsafe_role, dispatch_uid="tenants.refuse_unsafe_role")

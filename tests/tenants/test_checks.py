"""A role for which row-level security does not hold never serves a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from tenants import checks
from tests.conftest import _admin_url

pytestmark = pytest.mark.django_db(databases=["default", "platform"])


@pytest.fixture
def superuser() -> Iterator[Any]:
    """The application's connection, as it would be with a superuser's DATABASE_URL."""
    connection = connections["default"].copy()
    admin = psycopg.conninfo.conninfo_to_dict(_admin_url())
    connection.settings_dict |= {"USER": admin["user"], "PASSWORD": admin.get("password", "")}
    yield connection
    connection.close()


def as_alias(connection: Any, alias: str) -> Any:
    connection.alias = alias
    return connection


def test_a_superusers_url_is_refused_at_the_first_connection(superuser: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="a superuser: row-level security is off"):
        superuser.connect()
    assert superuser.connection is None


def test_the_check_names_the_role_and_the_way_out(superuser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "connections", {"default": as_alias(superuser, "elsewhere")})
    (found,) = checks.role_is_bound_by_row_level_security(databases=["default"])
    assert (found.id, found.is_serious()) == ("tenants.E001", True)
    assert str(superuser.settings_dict["USER"]) in found.msg
    assert "app_rw" in str(found.hint)
    assert checks.role_is_bound_by_row_level_security(databases=["owner"]) == []


def test_a_role_that_bypasses_is_named_too() -> None:
    assert "app_platform, which bypasses" in str(checks.unsafe_role(connections["platform"]))


def test_the_applications_own_role_is_safe() -> None:
    assert checks.unsafe_role(connections["default"]) is None
    assert checks.role_is_bound_by_row_level_security(databases=["default"]) == []

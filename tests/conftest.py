"""The suite's ground: a real PostgreSQL, the four real roles, two tenants.

``TEST_DATABASE_URL`` is a superuser's URL of a server (``make test`` starts one). Each process gets a
database of its own; the tests connect as ``app_rw`` like the product does, so row-level security holds in
every test.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_save
from django.test import Client, TransactionTestCase
from django.utils import translation

from loyalty_saas.embedded.processes import Supervisor
from tenants.admin import audit_words
from tenants.domain.actors import Actor, ActorKind
from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Permission, Role
from tenants.models import ApiKey, AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import api_keys, memberships
from tests import databases

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
# Marks of tests that drive a browser, or take seconds.
_LONG = ("browser", "slow")
_PASSWORD = "only-for-the-test-suite"


def pytest_configure(config: pytest.Config) -> None:
    """Point the three aliases at this process's database before Django opens a connection."""
    admin = psycopg.conninfo.conninfo_to_dict(_admin_url())
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_loyalty_{os.environ.get('TEST_DATABASE_SUFFIX', 'suite')}_{worker}"
    for alias, role in {"default": "app_rw", "owner": "app_owner", "platform": "app_platform"}.items():
        settings.DATABASES[alias].update(
            NAME=name,
            USER=role,
            PASSWORD=_PASSWORD,
            HOST=admin.get("host", ""),
            PORT=str(admin.get("port", "")),
            CONN_MAX_AGE=0,
        )

    # How long an example takes says something about the machine only.
    patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.register_profile("patient", patient)
    hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process works on alone at the end; the rest keeps its order."""
    items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in _LONG))


def _admin_url() -> str:
    return os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Make a fresh database, migrated by its owner."""
    name = str(settings.DATABASES["default"]["NAME"])

    def migrate(database: str) -> None:
        with django_db_blocker.unblock():
            owner = connections["owner"]
            owner.close()
            owner.settings_dict["NAME"] = database
            call_command("migrate", database="owner", verbosity=0, interactive=False)
            owner.close()
            owner.settings_dict["NAME"] = name

    databases.create(_admin_url(), name, _PASSWORD, migrate)
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    databases.drop(_admin_url(), name)


def _empty_every_table(_case: TransactionTestCase) -> None:
    databases.empty(_admin_url(), str(settings.DATABASES["default"]["NAME"]))


@pytest.fixture(autouse=True, scope="session")
def _flush_as_superuser() -> Iterator[None]:
    original = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = _empty_every_table  # type: ignore[method-assign]
    # The ordinary test case rolls back; only the transactional one empties tables.
    yield
    TransactionTestCase._fixture_teardown = original  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def _audited_actions_have_words() -> None:
    """Refuse, in every test, an action that staff would read as a code in the audit log."""

    def check(instance: AuditEntry, **_: Any) -> None:
        if not audit_words.has_words(instance.action):
            raise AssertionError(f"No audit_words module registers {instance.action!r}.")

    post_save.connect(check, sender=AuditEntry, weak=False, dispatch_uid="tests.audited_actions")


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Forget the language of the last page that a test asked for: the next request would set its own."""
    yield
    translation.deactivate()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def actor() -> Actor:
    """An actor who may do everything."""
    return Actor(kind=ActorKind.USER, id=1, label="owner@example.com", permissions=frozenset(Permission))


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(
        slug="acme", name="Acme", time_zone="America/New_York", currency="USD", locale="en"
    )


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    return Tenant.objects.create(
        slug="globex", name="Globex", time_zone="Asia/Shanghai", currency="CNY", locale="zh-hans"
    )


@pytest.fixture
def scope(tenant: Tenant) -> Iterator[Tenant]:
    """The scope of ``tenant``, open for the whole test."""
    with tenant_scope(tenant):
        yield tenant


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """Runs processes for the test, in a directory short enough for unix sockets, and stops them."""
    home = Path(tempfile.mkdtemp(prefix="ls-"))
    with Supervisor(home) as supervisor:
        yield supervisor
    shutil.rmtree(home, ignore_errors=True)


class ApiClient:
    """Speaks JSON to the API with a key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.client = Client(raise_request_exception=False)

    def _call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, method)(
            f"/api/v1{path}", headers={"Authorization": f"Bearer {self.key}", **named}, **content
        )

    def get(self, path: str, **headers: str) -> Any:
        return self._call("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._call("post", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self._call("patch", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self._call("put", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._call("delete", path, body, **headers)


def key_for(tenant: Tenant, actor: Actor, kind: ApiKey.Kind = ApiKey.Kind.SECRET, **options: Any) -> str:
    with tenant_scope(tenant):
        _key, text = api_keys.create(name="test", kind=kind, by=actor, at=NOW, **options)
    return text


@pytest.fixture
def api(tenant: Tenant, actor: Actor) -> ApiClient:
    """The API as a client app of ``tenant``, with every scope a secret key can have."""
    return ApiClient(key_for(tenant, actor))


@pytest.fixture
def other_api(other_tenant: Tenant, actor: Actor) -> ApiClient:
    return ApiClient(key_for(other_tenant, actor))


@pytest.fixture
def staff(tenant: Tenant, actor: Actor) -> Client:
    """A browser session of the owner of ``tenant``."""
    return signed_in(tenant, actor, Role.OWNER)


def signed_in(tenant: Tenant, actor: Actor, role: Role) -> Client:
    user = User.objects.create_user(email=f"{role}@{tenant.slug}.example.com", password="correct horse")
    with tenant_scope(tenant):
        memberships.add(user=user, role=role, by=actor, at=NOW)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


__all__ = ["NOW", "PERMISSIONS_BY_ROLE", "ApiClient", "key_for", "signed_in"]

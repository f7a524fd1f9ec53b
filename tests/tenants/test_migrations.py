"""The way back: every app to zero, as the owner, on a database of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql
from psycopg.conninfo import make_conninfo

from loyalty_saas.embedded.postgres import binary_directory
from tenants.roles import EXTENSIONS, bootstrap
from tests import databases
from tests.architecture.catalogue import rows
from tests.conftest import _admin_url

APPS = ("recommendations", "rewards", "crm", "tenants")


@pytest.fixture
def scratch(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A fresh database that the owner's connection points to."""
    owner = connections["owner"]
    usual = owner.settings_dict["NAME"]
    name = f"{usual}_scratch"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(_admin_url(), autocommit=True) as admin:
        admin.execute(drop)
    bootstrap(_admin_url(), name, str(owner.settings_dict["PASSWORD"]))
    with django_db_blocker.unblock():
        owner.close()
        owner.settings_dict["NAME"] = name
        yield name
        owner.close()
        owner.settings_dict["NAME"] = usual
    with psycopg.connect(_admin_url(), autocommit=True) as admin:
        admin.execute(drop)


@pytest.fixture
def migrated(scratch: str) -> str:
    """The same with every migration applied, as a copy of what the suite's database was copied from."""
    connections["owner"].close()
    databases.create(_admin_url(), scratch, str(settings.DATABASES["owner"]["PASSWORD"]), migrate)
    return scratch


def migrate(*arguments: str) -> None:
    call_command("migrate", *arguments, database="owner", verbosity=0, interactive=False)


def ours() -> list[str]:
    """Names of our relations."""
    return [
        name
        for (name,) in rows(
            """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND split_part(relname, '_', 1) = ANY(%s) ORDER BY 1""",
            [list(APPS)],
        )
    ]


def schema_of(database: str) -> list[str]:
    """Everything that the database holds apart from rows, as statements."""
    dump = [str(binary_directory() / "pg_dump"), "--schema-only"]
    dump += ["--dbname", make_conninfo(_admin_url(), dbname=database)]
    written = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    # Each dump draws a word of its own for the first two, each column a number of its own for the last.
    drawn = ("\\restrict", "\\unrestrict", "SET (pg_attver=")
    return [line for line in written.splitlines() if not any(part in line for part in drawn)]


def test_every_app_goes_to_zero_and_leaves_what_was_there_before(migrated: str) -> None:
    """From there the way forward is that of the suite's own database."""
    assert {name.split("_")[0] for name in ours()} == set(APPS)
    # One plan for all: "migrate APP zero" works out the states of the whole history again for every app.
    MigrationExecutor(connections["owner"]).migrate([(app, None) for app in APPS])
    assert rows("SELECT current_user, current_database()") == [("app_owner", migrated)]
    zero, others = schema_of(migrated), rows("SELECT DISTINCT app FROM django_migrations ORDER BY 1")
    connections["owner"].close()
    databases.drop(_admin_url(), migrated)
    bootstrap(_admin_url(), migrated, str(settings.DATABASES["owner"]["PASSWORD"]))
    for (app,) in others:
        migrate(app)
    assert ours() == []
    assert zero == schema_of(migrated)


def test_bootstrap_may_run_again(scratch: str) -> None:
    migrate("tenants")
    before = ours()
    bootstrap(_admin_url(), scratch, str(settings.DATABASES["owner"]["PASSWORD"]))
    assert ours() == before
    found = rows("SELECT extname FROM pg_extension WHERE extname = ANY(%s) ORDER BY 1", [list(EXTENSIONS)])
    assert [name for (name,) in found] == sorted(EXTENSIONS)


@pytest.mark.parametrize("given", [None, ""])
def test_bootstrap_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    monkeypatch.delenv("DATABASE_ADMIN_URL", raising=False)
    if given is not None:
        monkeypatch.setenv("DATABASE_ADMIN_URL", given)
    with pytest.raises(CommandError, match="Set DATABASE_ADMIN_URL to the URL of a superuser"):
        call_command("bootstrap_database")

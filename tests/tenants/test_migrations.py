"""The way back: every app to zero and forward again, as the owner, on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from tenants.roles import EXTENSIONS, bootstrap
from tests import databases
from tests.architecture.catalogue import findings, rows
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


def ours(kind: str) -> list[str]:
    """Names of our relations (``pg_class``) or functions (``pg_proc``), extensions' excluded."""
    column = "relname" if kind == "pg_class" else "proname"
    space = "relnamespace" if kind == "pg_class" else "pronamespace"
    return [
        name
        for (name,) in rows(
            f"""SELECT DISTINCT {column} FROM {kind} c WHERE {space} = 'public'::regnamespace
                AND split_part({column}, '_', 1) = ANY(%s)
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
                ORDER BY 1""",  # noqa: S608 - constants of this module
            [list(APPS)],
        )
    ]


def test_every_app_goes_to_zero_and_forward_again(migrated: str) -> None:
    before = ours("pg_class"), ours("pg_proc")
    assert {name.split("_")[0] for name in before[0]} == set(APPS)
    # One plan for all: "migrate APP zero" works out the states of the whole history again for every app.
    MigrationExecutor(connections["owner"]).migrate([(app, None) for app in APPS])
    assert (ours("pg_class"), ours("pg_proc")) == ([], [])
    migrate()
    assert (ours("pg_class"), ours("pg_proc")) == before
    assert rows("SELECT current_user, current_database()") == [("app_owner", migrated)]
    assert [fault for fault in findings() if "connected as" not in fault] == []


def test_first_tiers_of_before_are_called_so_in_every_tenant_and_back(migrated: str) -> None:
    def moves() -> list[tuple[int, str, str]]:
        with psycopg.connect(_admin_url(), dbname=migrated) as admin:
            found = admin.execute("SELECT tenant_id, from_key, move FROM rewards_tierchange ORDER BY id")
            return [(tenant_id, from_key, move) for tenant_id, from_key, move in found]

    migrate("rewards", "0010")
    with psycopg.connect(_admin_url(), dbname=migrated, autocommit=True) as admin:
        # No customers are needed for it.
        admin.execute("SET session_replication_role = replica")
        for tenant_id in (1, 2):
            admin.execute(
                "INSERT INTO tenants_tenant (id, slug, name, time_zone, currency, locale, vertical, status,"
                " created_at) VALUES (%s, %s, '', 'UTC', 'USD', 'en', 'social', 'active', now())",
                [tenant_id, f"t{tenant_id}"],
            )
            for from_key in ("", "base"):
                admin.execute(
                    "INSERT INTO rewards_tierchange (tenant_id, customer_id, move, from_key, to_key,"
                    " changed_at, actor_label, reason) VALUES (%s, 1, 'upgraded', %s, 'gold', now(), '', '')",
                    [tenant_id, from_key],
                )
    before = moves()
    migrate("rewards")
    renamed = [(1, "", "entered"), (1, "base", "upgraded"), (2, "", "entered"), (2, "base", "upgraded")]
    assert moves() == renamed
    migrate("rewards", "0010")
    assert moves() == before


def test_bootstrap_may_run_again(scratch: str) -> None:
    migrate("tenants")
    before = ours("pg_class")
    bootstrap(_admin_url(), scratch, str(settings.DATABASES["owner"]["PASSWORD"]))
    assert ours("pg_class") == before
    found = rows("SELECT extname FROM pg_extension WHERE extname = ANY(%s) ORDER BY 1", [list(EXTENSIONS)])
    assert [name for (name,) in found] == sorted(EXTENSIONS)


@pytest.mark.parametrize("given", [None, ""])
def test_bootstrap_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    monkeypatch.delenv("DATABASE_ADMIN_URL", raising=False)
    if given is not None:
        monkeypatch.setenv("DATABASE_ADMIN_URL", given)
    with pytest.raises(CommandError, match="Set DATABASE_ADMIN_URL to the URL of a superuser"):
        call_command("bootstrap_database")

"""Test databases: migrated once into a template, then copied in a moment.

The template's name holds a hash of everything that shapes it, so a changed migration makes a new one. It
stays on the server for the next run; those of other hashes go, unless ``TEST_DATABASE_KEEP_TEMPLATES`` is set
(several checkouts on one server).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from tenants.roles import bootstrap

_ROOT = Path(__file__).resolve().parent.parent
_SHAPED_BY = (
    "*/migrations/**/*.py",
    "*/migrations/**/*.sql",
    "tenants/roles.py",
    "tenants/operations.py",
    "requirements.lock",
)
# What migrations fill, and no test changes.
_KEPT = ("django_migrations", "django_content_type", "auth_permission")
_PREFIX = "test_loyalty_template_"
# Two processes that need the template at once: one makes it, the other waits.
_LOCK = 7_201_470


def create(admin_url: str, name: str, password: str, migrate: Callable[[str], None]) -> None:
    """Make the database ``name`` as a copy of the template, which ``migrate`` fills when there is none."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        template = f"{_PREFIX}{_fingerprint()}"
        if template not in _databases(admin):
            _make(admin, admin_url, template, password, migrate)
        drop(admin_url, name)
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER app_owner TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    # What belongs to a database and not to its contents is not copied.
    bootstrap(admin_url, name, password)


def drop(admin_url: str, name: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def empty(admin_url: str, name: str) -> None:
    """Empty the tables after a test with real commits: as superuser, past the append-only triggers.

    Deletes where there are rows: to truncate costs a new file for every table and index, a second or more.
    """
    with psycopg.connect(admin_url, dbname=name) as admin:
        tables = _tables(admin)
        each = sql.SQL(", ").join(tables.values())
        admin.execute("SET session_replication_role = replica")
        # Whoever a test has left writing ends first.
        admin.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(each))
        probe = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
        probes = [probe.format(sql.Literal(table), quoted) for table, quoted in tables.items()]
        for (table,) in admin.execute(sql.SQL(" UNION ALL ").join(probes)).fetchall():
            admin.execute(sql.SQL("DELETE FROM {}").format(tables[table]))
        admin.execute(
            """SELECT setval(seqrelid, seqstart, false) FROM pg_sequence
               JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = seqrelid AND deptype IN ('a', 'i')
               JOIN pg_class ON pg_class.oid = refobjid
               WHERE relname = ANY(%s) AND pg_sequence_last_value(seqrelid) IS NOT NULL""",
            [list(tables)],
        )


def _tables(admin: psycopg.Connection) -> dict[str, sql.Identifier]:
    rows = admin.execute(
        """SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
           AND relnamespace = 'public'::regnamespace AND relname <> ALL(%s)""",
        [list(_KEPT)],
    )
    return {str(name): sql.Identifier(name) for (name,) in rows}


def _make(
    admin: psycopg.Connection, admin_url: str, template: str, password: str, migrate: Callable[[str], None]
) -> None:
    if "TEST_DATABASE_KEEP_TEMPLATES" not in os.environ:
        for stale in _databases(admin):
            drop(admin_url, stale)
    # Renamed when it is whole: a run that was killed leaves no half a template.
    unfinished = f"{_PREFIX}unfinished_{os.getpid()}"
    drop(admin_url, unfinished)
    bootstrap(admin_url, unfinished, password)
    migrate(unfinished)
    admin.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(template))
    )


def _databases(admin: psycopg.Connection) -> list[str]:
    rows = admin.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_PREFIX])
    return [str(row[0]) for row in rows.fetchall()]


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(
        path for pattern in _SHAPED_BY for path in _ROOT.glob(pattern) if ".venv" not in path.parts
    ):
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

"""The four database roles and the database itself, made once by a superuser; safe to run again.

``app_owner`` owns and migrates. ``app_rw`` is the web and the workers: no superuser, no bypass of row-level
security, no schema changes. ``app_platform`` bypasses row-level security for the relay and the fan-out over
tenants. ``app_search`` cannot sign in; it owns the few SECURITY DEFINER functions.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

_ATTRIBUTES_BY_ROLE = {
    "app_owner": "LOGIN NOSUPERUSER NOBYPASSRLS",
    "app_rw": "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE",
    "app_platform": "LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE",
    "app_search": "NOLOGIN NOSUPERUSER BYPASSRLS",
}
# Two processes that bootstrap at once take turns.
_BOOTSTRAP_LOCK = 7_201_451
EXTENSIONS = ("pg_trgm", "btree_gist")


def bootstrap(admin_url: str, database: str, password: str | None = None) -> None:
    """Create the roles, ``database`` and its extensions on the server of ``admin_url`` (a superuser's URL).

    ``password`` is given to the three roles that sign in; without one the server must trust them.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_BOOTSTRAP_LOCK])
        for role, attributes in _ATTRIBUTES_BY_ROLE.items():
            _ensure_role(connection, role, attributes, password)
        connection.execute("GRANT app_search TO app_owner")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER app_owner TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(database)
                )
            )
    with psycopg.connect(admin_url, dbname=database, autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute("GRANT USAGE ON SCHEMA public TO app_rw, app_platform")
        connection.execute("GRANT USAGE, CREATE ON SCHEMA public TO app_search")
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO app_owner").format(sql.Identifier(database))
        )


def _ensure_role(connection: psycopg.Connection, role: str, attributes: str, password: str | None) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = "ALTER" if exists else "CREATE"
    connection.execute(
        sql.SQL("{} ROLE {} {}").format(sql.SQL(verb), sql.Identifier(role), sql.SQL(attributes))
    )
    if password and "NOLOGIN" not in attributes:
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
        )

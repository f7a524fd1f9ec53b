"""A tenant of any size for benchmarks: customers, orders, scores and twenty events each, the same every time.

Rows are made inside the server from hashes of their numbers: nothing random, nothing sent. A second tenant
of a twentieth of the size stands beside it, so that isolation costs what it costs. A finished one is reused.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from loyalty_saas.embedded.postgres import EmbeddedPostgres  # noqa: E402 - the checkout is not installed
from loyalty_saas.embedded.processes import Supervisor  # noqa: E402

DATABASE = "bench_tenant"
PASSWORD = "bench"  # noqa: S105 - a scratch server's
AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
EVENTS_EACH = 20
_ROWS = Path(__file__).with_suffix(".sql")
_UNIFORM = """CREATE FUNCTION pg_temp.uniform(number bigint, salt bigint) RETURNS float8
    LANGUAGE sql IMMUTABLE AS 'SELECT (hashint8extended(number, salt) & 2147483647)::float8 / 2147483648'"""


def _load(admin_url: str, tenants: dict[int, int]) -> None:
    """Fill the tenants, by id, with so many customers; event indexes are built after the rows."""
    import psycopg  # noqa: PLC0415 - after the settings' variables

    with psycopg.connect(admin_url, dbname=DATABASE, autocommit=True) as admin:
        admin.execute(
            "SET work_mem = '256MB'; SET maintenance_work_mem = '1GB'; SET synchronous_commit = off"
        )
        admin.execute("SELECT crm_ensure_event_partitions(date '2025-06-01', date '2026-06-30')")
        admin.execute(_UNIFORM)
        indexes = admin.execute(
            """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
               WHERE indrelid = 'crm_event'::regclass AND NOT indisunique"""
        ).fetchall()
        for name, _definition in indexes:
            admin.execute(f"DROP INDEX {name}")
        for tenant_id, size in tenants.items():
            for statement in _ROWS.read_text(encoding="utf-8").split(";\n")[:-1]:
                started = time.perf_counter()
                admin.execute(statement, {"tenant": tenant_id, "at": AT, "size": size, "events": EVENTS_EACH})
                table = statement.split("INTO ")[1].split()[0]
                print(f"{size:>9,} {table}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
        for _name, definition in indexes:
            # The catalogue describes the parent alone; the partitions need theirs as well.
            admin.execute(definition.replace(" ON ONLY ", " ON "))
        admin.execute("VACUUM ANALYZE")


def _connect(admin_url: str) -> None:
    where = urlsplit(admin_url)
    for role, name in (("app_rw", "DATABASE_URL"), ("app_owner", "DATABASE_OWNER_URL"),
                       ("app_platform", "DATABASE_PLATFORM_URL")):  # fmt: skip
        netloc = f"{role}:{PASSWORD}@{where.netloc.rpartition('@')[2]}"
        os.environ[name] = where._replace(netloc=netloc, path=f"/{DATABASE}").geturl()
    os.environ["DJANGO_SETTINGS_MODULE"] = "loyalty_saas.settings.test"
    import django  # noqa: PLC0415

    django.setup()
    logging.disable(logging.CRITICAL)


@contextmanager
def big_tenant(size: int) -> Iterator[int]:
    """Yield the id of a tenant with ``size`` customers on a server under var/bench, Django set up."""
    with Supervisor(CHECKOUT / "var" / "bench" / f"tenant-{size}") as supervisor:
        postgres = EmbeddedPostgres(supervisor.directory / "postgres")
        postgres.prepare()
        supervisor.start(postgres.program())
        _connect(postgres.url())
        yield _filled(postgres.url(), size, supervisor.directory / "filled")


def _filled(admin_url: str, size: int, done: Path) -> int:
    import psycopg  # noqa: PLC0415 - after the settings' variables
    from django.core.management import call_command  # noqa: PLC0415 - after django.setup()

    from tenants.models import Tenant  # noqa: PLC0415
    from tenants.roles import bootstrap  # noqa: PLC0415

    if not done.exists():
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    bootstrap(admin_url, DATABASE, PASSWORD)
    call_command("migrate", database="owner", verbosity=0, interactive=False)
    if not done.exists():
        made = [
            Tenant.objects.create(
                slug=slug, name=slug, time_zone="America/New_York", currency="USD", locale="en"
            )
            for slug in ("bench", "beside")
        ]
        _load(admin_url, {made[0].pk: size, made[1].pk: max(size // 20, 1)})
        done.touch()
    return int(Tenant.objects.get(slug="bench").pk)

"""Which services the user brings and which we start, and the variables that say so to the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loyalty_saas.embedded.postgres import EmbeddedPostgres
from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.valkey import EmbeddedValkey

DATABASE = "loyalty"


def brings_database(environ: Mapping[str, str]) -> bool:
    """Whether the user named a database server."""
    return bool(environ.get("DATABASE_ADMIN_URL") or environ.get("DATABASE_URL"))


def brings_broker(environ: Mapping[str, str]) -> bool:
    """Whether the user named a broker."""
    return bool(environ.get("REDIS_URL") or environ.get("CELERY_BROKER_URL"))


def start_database(supervisor: Supervisor, environ: Mapping[str, str]) -> tuple[dict[str, str], list[Path]]:
    """Start PostgreSQL unless the user brings one; return its variables and the directories opened for it."""
    if brings_database(environ):
        return {}, []
    postgres = EmbeddedPostgres(supervisor.directory / "postgres")
    opened = postgres.prepare()
    supervisor.start(postgres.program())
    return product_variables(postgres), opened


def product_variables(postgres: EmbeddedPostgres) -> dict[str, str]:
    """The four database roles as the settings read them."""
    return {
        "DATABASE_ADMIN_URL": postgres.url(),
        "DATABASE_URL": postgres.url(user="app_rw", database=DATABASE),
        "DATABASE_OWNER_URL": postgres.url(user="app_owner", database=DATABASE),
        "DATABASE_PLATFORM_URL": postgres.url(user="app_platform", database=DATABASE),
    }


def start_broker(supervisor: Supervisor, environ: Mapping[str, str]) -> dict[str, str]:
    """Start Valkey unless the user brings a broker; return its variables."""
    if brings_broker(environ):
        return {}
    valkey = EmbeddedValkey(supervisor.directory / "valkey")
    supervisor.start(valkey.program())
    return {"REDIS_URL": valkey.cache_url, "CELERY_BROKER_URL": valkey.broker_url}

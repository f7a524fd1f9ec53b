"""The product's own processes beside a test: where they find the test's database, and how they are killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from django.conf import settings

from loyalty_saas import celery as celery_module
from loyalty_saas.embedded.processes import Child
from tenants.queue import broker

# What a usual machine does in a second or two: whoever waits that long waits for nothing.
PATIENCE_SECONDS = 180


def database_url(alias: str) -> str:
    database = settings.DATABASES[alias]
    credentials = f"{database['USER']}:{database['PASSWORD']}"
    options = f"host={quote(database['HOST'])}" + (f"&port={database['PORT']}" if database["PORT"] else "")
    return f"postgresql://{credentials}@/{database['NAME']}?{options}"


def product_environment(broker_url: str) -> dict[str, str]:
    """What a process needs to be the product on the test's own database."""
    return {
        "DJANGO_SETTINGS_MODULE": "loyalty_saas.settings.base",
        "DATABASE_URL": database_url("default"),
        "DATABASE_OWNER_URL": database_url("owner"),
        "DATABASE_PLATFORM_URL": database_url("platform"),
        "CELERY_BROKER_URL": broker_url,
    }


@contextmanager
def broker_at(url: str) -> Iterator[None]:
    """Let this process send its messages to another broker."""
    _point_at(url)
    try:
        yield
    finally:
        _point_at(settings.CELERY_BROKER_URL)


def _point_at(url: str) -> None:
    # The broker of a living application: its connections and its queues are cached.
    celery_module.configure(url)
    celery_module.app._after_fork()
    vars(celery_module.app).pop("amqp", None)
    broker.trust()


def kill(child: Child) -> None:
    """SIGKILL a program and all it started, as when its machine goes."""
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait(PATIENCE_SECONDS)


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS, what: str = "") -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what or "It did not happen."
        time.sleep(0.02)

"""The product on the demonstration's data, started for a benchmark under var/bench and stopped after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from loyalty_saas.embedded.processes import Supervisor  # noqa: E402 - the checkout is not installed
from loyalty_saas.embedded.product import web_program  # noqa: E402
from loyalty_saas.embedded.services import start_broker, start_database  # noqa: E402
from loyalty_saas.embedded.sockets import free_port  # noqa: E402

HOME = CHECKOUT / "var" / "bench"


@dataclass(frozen=True, slots=True)
class Product:
    """Where the running product is."""

    port: int
    api_key: str
    admin_url: str
    supervisor: Supervisor


def build(*, reset: bool) -> dict[str, object]:
    """Run the demonstration's pipeline under var/bench and return its summary; a finished one is reused."""
    command = [sys.executable, "-m", "loyalty_saas.demo", "--once", *(["--reset"] if reset else [])]
    environment = {**os.environ, "VAR_DIR": str(HOME)}
    subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=sys.stderr, check=True)
    summary: dict[str, object] = json.loads((HOME / "demo" / "summary.json").read_text(encoding="utf-8"))
    return summary


@contextmanager
def running() -> Iterator[Product]:
    """Gunicorn, PostgreSQL and Valkey on the demonstration's data; no workers share the cores."""
    summary = build(reset=False)
    with Supervisor(HOME / "demo") as supervisor:
        environment = _environment(supervisor)
        port = free_port()
        supervisor.start(web_program(environment, port))
        admin_url = environment["DATABASE_ADMIN_URL"].replace("@/postgres", "@/loyalty")
        yield Product(port, str(summary["api_key"]), admin_url, supervisor)


@contextmanager
def services() -> Iterator[dict[str, str]]:
    """PostgreSQL and Valkey on the demonstration's data, and the variables for who is the product itself."""
    build(reset=False)
    with Supervisor(HOME / "demo") as supervisor:
        yield _environment(supervisor)


def _environment(supervisor: Supervisor) -> dict[str, str]:
    kept = json.loads((HOME / "demo" / "credentials.json").read_text(encoding="utf-8"))
    database, _ = start_database(supervisor, {})
    return {
        **database,
        **start_broker(supervisor, {}),
        "DJANGO_SETTINGS_MODULE": "loyalty_saas.settings.base",
        "SECRET_KEY": kept["secret_key"],
        "VAR_DIR": str(HOME / "demo"),
        "LOG_LEVEL": "WARNING",
        # The limit per key is not what is measured here.
        "API_RATE_LIMIT": "100000000/minute",
    }

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loyalty_saas.embedded.processes import Child, Supervisor
from loyalty_saas.embedded.product import web_program
from loyalty_saas.embedded.sockets import free_port
from tests.processes import kill, product_environment


@dataclass
class Web:
    """Gunicorn on the test's database."""

    supervisor: Supervisor
    port: int
    child: Child

    def start_again(self) -> None:
        self.supervisor.stop_child(self.child)
        (self.child,) = self.supervisor.start(self.child.program)


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[Web]:
    """One server for the tests of a module: it takes longer to start than to be killed a few times."""
    home, port = Path(tempfile.mkdtemp(prefix="ls-")), free_port()
    environment = {
        # Nothing is sent to a broker: the rows are what counts.
        **product_environment("memory://"),
        "WEB_CONCURRENCY": "2",
        "LOG_LEVEL": "ERROR",
        "API_RATE_LIMIT": "100000000/minute",
    }
    with Supervisor(home) as supervisor:
        (child,) = supervisor.start(web_program(environment, port))
        web = Web(supervisor, port, child)
        yield web
        # A warm stop would wait for clients that keep their connection.
        kill(web.child)
    shutil.rmtree(home, ignore_errors=True)

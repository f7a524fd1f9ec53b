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
from tests.processes import broker_at, kill, product_environment
from tests.torture import crew as crews
from tests.torture.crew import Crew


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


@pytest.fixture(scope="module")
def crew(django_db_setup: None) -> Iterator[Crew]:
    """A broker, a worker and the beat for the tests of a module; this process sends to that broker."""
    home = Path(tempfile.mkdtemp(prefix="ls-"))
    with Supervisor(home) as supervisor:
        crew = crews.start(supervisor)
        with broker_at(crew.valkey.broker_url):
            yield crew
        kill(crew.worker)
    shutil.rmtree(home, ignore_errors=True)

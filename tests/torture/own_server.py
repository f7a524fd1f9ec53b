"""A PostgreSQL server of a test's own, durable and made to be killed, with a copy of the suite's database."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import psutil
from django.conf import settings
from django.db import connections
from psycopg.conninfo import make_conninfo

from loyalty_saas.embedded.postgres import EmbeddedPostgres, binary_directory
from loyalty_saas.embedded.processes import Child, Supervisor
from tenants.roles import bootstrap
from tests.processes import PATIENCE_SECONDS, wait_until

_ALIASES = ("default", "owner", "platform")
# Minor releases since 2026 mark columns in a way that only their own pg_dump leaves out.
_MARKS = re.compile(rb"^ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(pg_attver=\d+\);\n", re.MULTILINE)


@dataclass
class OwnServer:
    supervisor: Supervisor
    postgres: EmbeddedPostgres
    child: Child

    def kill(self, chance: random.Random) -> None:
        """SIGKILL the postmaster alone, or all of its processes as when the power fails."""
        master = psutil.Process(self.child.process.pid)
        others = master.children()
        for process in [master, *(others if chance.random() < 0.5 else [])]:
            # The last one may have seen the first one die.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.child.process.wait(PATIENCE_SECONDS)
        # Those left see that their postmaster is gone and end; until then no other may start.
        wait_until(lambda: not any(_lives(each) for each in others))

    def start_again(self) -> None:
        self.supervisor.stop_child(self.child)
        (self.child,) = self.supervisor.start(self.child.program)


def _lives(process: psutil.Process) -> bool:
    try:
        # Whoever adopted it may take its time to bury it.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def own_server(supervisor: Supervisor, admin_url: str) -> Iterator[OwnServer]:
    """Start one and let this process's connections lead there; the suite's database keeps its rows."""
    postgres = EmbeddedPostgres(supervisor.directory / "postgres")
    postgres.prepare()
    program = postgres.program()
    # Before it recovers, the server syncs every file of the cluster: one call instead of thousands.
    command = (*program.command, "-c", "recovery_init_sync_method=syncfs")
    (child,) = supervisor.start(replace(program, command=command))
    name = str(settings.DATABASES["default"]["NAME"])
    bootstrap(postgres.url(), name, str(settings.DATABASES["default"]["PASSWORD"]))
    _copy(admin_url, postgres.url(database=name), name)
    with _connections_to(str(postgres.socket)):
        yield OwnServer(supervisor, postgres, child)


def _copy(admin_url: str, url: str, name: str) -> None:
    programs = binary_directory()
    dump = [str(programs / "pg_dump"), "--dbname", make_conninfo(admin_url, dbname=name)]
    written = subprocess.run(dump, check=True, capture_output=True).stdout
    load = [str(programs / "psql"), "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", url]
    subprocess.run(load, input=_MARKS.sub(b"", written), check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _connections_to(host: str) -> Iterator[None]:
    before = {
        alias: (settings.DATABASES[alias]["HOST"], settings.DATABASES[alias]["PORT"]) for alias in _ALIASES
    }
    try:
        for alias in _ALIASES:
            connections[alias].close()
            settings.DATABASES[alias].update(HOST=host, PORT="")
        yield
    finally:
        for alias, (old_host, port) in before.items():
            connections[alias].close()
            settings.DATABASES[alias].update(HOST=old_host, PORT=port)

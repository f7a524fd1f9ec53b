"""The processes behind the web: a broker, a worker of every queue and the beat."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import redis

from loyalty_saas.embedded.processes import Child, Program, Supervisor
from loyalty_saas.embedded.product import Pool, beat_program, worker_program
from loyalty_saas.embedded.valkey import EmbeddedValkey
from tests.processes import kill, product_environment
from tests.torture.kills import kill_child_of

_QUEUES = ("interactive", "webhooks", "default.0", "default.1", "default.2", "default.3", "ml")
_PRODUCT, _IN_A_HURRY = "loyalty_saas.celery", "tests.torture.quick_beat"
_TWO_PROCESSES = Pool("all", _QUEUES, 2)


@dataclass
class Crew:
    """They share a supervisor; each can be killed, and the worker and the broker started again."""

    supervisor: Supervisor
    valkey: EmbeddedValkey
    broker: Child
    worker: Child
    beat: Child

    def kill_a_process(self, chance: random.Random) -> None:
        """SIGKILL one process of the worker at whatever it does."""
        kill_child_of(self.worker.process.pid, chance)

    def kill_worker(self, *, with_messages: bool = False) -> None:
        """SIGKILL the worker with all of its processes, and start another, for which nothing may be left."""
        kill(self.worker)
        self.supervisor.stop_child(self.worker)
        if with_messages:
            with redis.Redis(unix_socket_path=str(self.valkey.socket)) as broker:
                broker.flushall()
        (self.worker,) = self.supervisor.start(_worker(self.supervisor, self.valkey))

    def wipe_broker(self) -> None:
        """SIGKILL the broker, lose its files as with its disk, and start an empty one."""
        kill(self.broker)
        self.supervisor.stop_child(self.broker)
        shutil.rmtree(self.valkey.home)
        (self.broker,) = self.supervisor.start(self.valkey.program())

    @contextmanager
    def beat_stopped(self) -> Iterator[None]:
        """Nothing is swept meanwhile."""
        os.killpg(self.beat.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.beat.process.pid, signal.SIGCONT)

    @contextmanager
    def in_their_own_time(self) -> Iterator[None]:
        """The sweepers come around as often as in the product."""
        self._change_beat(_PRODUCT)
        try:
            yield
        finally:
            self._change_beat(_IN_A_HURRY)

    def _change_beat(self, application: str) -> None:
        self.supervisor.stop_child(self.beat)
        (self.beat,) = self.supervisor.start(_beat(self.supervisor, self.valkey, application))


def start(supervisor: Supervisor) -> Crew:
    """Start all three on the test's database."""
    valkey = EmbeddedValkey(supervisor.directory / "valkey")
    (broker,) = supervisor.start(valkey.program())
    worker, beat = supervisor.start(_worker(supervisor, valkey), _beat(supervisor, valkey))
    return Crew(supervisor, valkey, broker, worker, beat)


def _worker(supervisor: Supervisor, valkey: EmbeddedValkey) -> Program:
    environment = product_environment(valkey.broker_url)
    return worker_program(_TWO_PROCESSES, environment, supervisor.directory / "run", ("tests.torture.jobs",))


def _beat(supervisor: Supervisor, valkey: EmbeddedValkey, application: str = _IN_A_HURRY) -> Program:
    program = beat_program(product_environment(valkey.broker_url), supervisor.directory / "schedule")
    command = (application if part == _PRODUCT else part for part in program.command)
    return replace(program, command=tuple(command))

"""Two real beats on one database and one broker: one sends, and the other takes over when it is killed."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
import redis

from loyalty_saas.beat import BeatLock
from loyalty_saas.embedded.processes import Child, Supervisor
from loyalty_saas.embedded.product import beat_program
from loyalty_saas.embedded.valkey import EmbeddedValkey
from tests.processes import kill, product_environment, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "platform"]),
    pytest.mark.slow,
    pytest.mark.xdist_group("broker"),
]
QUEUE = "interactive"


@pytest.fixture
def valkey(supervisor: Supervisor) -> EmbeddedValkey:
    server = EmbeddedValkey(supervisor.directory / "valkey")
    supervisor.start(server.program())
    return server


def beat(name: str, valkey: EmbeddedValkey, directory: Path) -> Child:
    """A beat as the product starts it, with a schedule that a test can wait for."""
    program = beat_program(product_environment(valkey.broker_url), directory / f"{name}-schedule")
    command = tuple(
        "tests.loyalty_saas.quick_beat" if part == "loyalty_saas.celery" else part for part in program.command
    )
    return replace(program, name=name, command=command)


def senders(valkey: EmbeddedValkey) -> list[int]:
    """Process ids by which the messages in the queue were sent, in the order of sending."""
    client = redis.Redis(unix_socket_path=str(valkey.socket))
    waiting = [json.loads(message) for message in client.lrange(QUEUE, 0, -1)[::-1]]
    client.close()
    return [int(each["headers"]["origin"].removeprefix("gen").partition("@")[0]) for each in waiting]


def test_of_two_beats_one_sends_and_the_other_takes_over(
    supervisor: Supervisor, valkey: EmbeddedValkey
) -> None:
    beats = supervisor.start(*(beat(name, valkey, supervisor.directory) for name in ("one", "two")))
    wait_until(lambda: len(senders(valkey)) >= 20)
    (first,) = set(senders(valkey))
    killed, waiting = sorted(beats, key=lambda child: child.process.pid != first)
    assert killed.process.pid == first
    kill(killed)
    wait_until(lambda: senders(valkey).count(waiting.process.pid) >= 20)
    assert [pid for pid, _ in groupby(senders(valkey))] == [killed.process.pid, waiting.process.pid]
    supervisor.stop_child(killed)


def test_a_lock_that_lost_its_connection_is_not_held() -> None:
    first, second = BeatLock(), BeatLock()
    assert (first.acquire(), second.acquire(), first.acquire()) == (True, False, True)
    with first._database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with second._database.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    second._database.rollback()
    assert (first.acquire(), second.acquire()) == (False, True)
    assert (first.acquire(), second.acquire()) == (False, True)
    second._database.close()
    assert first.acquire()
    first._database.close()

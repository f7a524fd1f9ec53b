"""RabbitMQ goes, comes back, and stalls: nothing is lost, and nobody waits for long."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from django.db.models import F
from django.utils import timezone
from kombu import Connection

from loyalty_saas.celery import queue_names
from loyalty_saas.embedded.processes import Child, Program, Supervisor
from loyalty_saas.embedded.product import beat_program, worker_program
from tenants import queue
from tenants.domain.actors import Actor
from tenants.models import Job, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tenants.services import jobs, outbox
from tests.lines import Line, line_to
from tests.loyalty_saas.test_worker import ALL_QUEUES, JOBS, finished, start_job
from tests.processes import PATIENCE_SECONDS, broker_at, kill, product_environment, wait_until
from tests.rabbit import RabbitNode, node_of, server_command
from tests.torture import stories

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "platform"]),
    pytest.mark.slow,
    pytest.mark.xdist_group("rabbitmq"),
    pytest.mark.skipif(server_command() is None, reason="There is no rabbitmq-server."),
]
T = TypeVar("T")
ARRIVES_SECONDS = 5
QUICK_HEART = "tests.loyalty_saas.quick_heart"
SENT = ("tenants.run_job", "interactive", {"tenant_id": 0, "job_id": 0})


@pytest.fixture(scope="module")
def nodes() -> Iterator[Supervisor]:
    """Runs the node for all tests of this module: to start one takes longer than a test of it."""
    home = Path(tempfile.mkdtemp(prefix="ls-"))
    with Supervisor(home) as supervisor:
        yield supervisor
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def shared_node(nodes: Supervisor) -> Iterator[RabbitNode]:
    with node_of(nodes) as node:
        yield node


@pytest.fixture
def node(nodes: Supervisor, shared_node: RabbitNode) -> RabbitNode:
    """The node at work and without queues, whatever the test before has done to it."""
    if not nodes.children:
        nodes.start(shared_node.program())
    with Connection(shared_node.url) as connection, connection.channel() as channel:
        for name in queue_names():
            channel.queue_delete(name)
    return shared_node


def with_module(program: Program, module: str) -> tuple[str, ...]:
    """The program's command with another module that carries the Celery application."""
    return tuple(module if part == "loyalty_saas.celery" else part for part in program.command)


def test_a_node_that_comes_back_finds_the_work_that_was_given_meanwhile(
    node: RabbitNode, nodes: Supervisor, supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    [broker] = nodes.children
    environment = product_environment(node.url)
    worker = worker_program(ALL_QUEUES, environment, supervisor.directory / "run", JOBS)
    beat = beat_program(environment, supervisor.directory / "schedule")
    beat = replace(beat, command=with_module(beat, "tests.torture.quick_beat"))
    with broker_at(node.url):
        running = supervisor.start(worker, beat)
        for end in (nodes.stop_child, kill_and_bury(nodes)):
            first = start_job(tenant, actor, "worker_test.count_audit", steps=1)
            assert finished(tenant, first).state == Job.State.SUCCEEDED
            wait_until(lambda: stories.waiting(tenant) == (0, 0))
            end(broker)
            meanwhile = [start_job(tenant, actor, "worker_test.count_audit", steps=1) for _ in range(3)]
            with tenant_scope(tenant):
                for number in range(3):
                    outbox.publish(topic="test.nobody", payload={"number": number}, at=timezone.now())
            assert not queue.send(*SENT)
            assert stories.waiting(tenant) == (3, 3)
            [broker] = nodes.start(node.program())
            # Else this process leaves it alone for the rest of its pause.
            queue.broker.trust()
            wait_until(lambda: is_worked_off(tenant))
            assert [finished(tenant, job).state for job in meanwhile] == [Job.State.SUCCEEDED] * 3
        with tenant_scope(tenant):
            assert set(OutboxMessage.objects.values_list("state", flat=True)) == {OutboxMessage.State.DONE}
        assert [child.process.poll() for child in running] == [None, None]


def is_worked_off(tenant: Tenant) -> bool:
    """Whether nothing waits, some seconds after the minute in which the sweeper lets a message arrive.

    A job whose message went to a connection of before is sent again when another minute is over.
    """
    with tenant_scope(tenant):
        Job.objects.filter(state=Job.State.QUEUED).update(sent_at=F("sent_at") - jobs.RESEND_AFTER)
    deadline = time.monotonic() + ARRIVES_SECONDS
    while stories.waiting(tenant) != (0, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    return stories.waiting(tenant) == (0, 0)


def kill_and_bury(supervisor: Supervisor) -> Callable[[Child], None]:
    def end(child: Child) -> None:
        kill(child)
        supervisor.stop_child(child)

    return end


def test_a_stalled_line_holds_senders_up_for_one_time_out_each(
    node: RabbitNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue.Broker, "PAUSE_SECONDS", 0)
    line, url = line_to(node.url)
    with line, broker_at(url):
        assert queue.send(*SENT)
        line.stall()
        # It asks for a queue that it has not sent to yet, and waits for the answer.
        assert not in_time(line, lambda: queue.send(SENT[0], "ml", SENT[2]))
        line.go_on()
        wait_until(lambda: queue.send(*SENT))
        line.stall()
        # Until what lies between the two is full, nobody can know.
        in_time(line, lambda: wait_until(lambda: not queue.send(*SENT)))
        line.cut()
        connected = line.connections
        for attempts in range(1, 3):
            assert not in_time(line, lambda: queue.send(*SENT))
            assert line.connections - connected == attempts
        line.go_on()
        wait_until(lambda: queue.send(*SENT))


def test_a_worker_leaves_a_stalled_line_and_works_when_it_is_back(
    node: RabbitNode, supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    line, url = line_to(node.url)
    program = worker_program(ALL_QUEUES, product_environment(url), supervisor.directory / "run", JOBS)
    with line, broker_at(node.url):
        [worker] = supervisor.start(replace(program, command=with_module(program, QUICK_HEART)))
        note, go = supervisor.directory / "runs", supervisor.directory / "go"
        running = start_job(tenant, actor, "worker_test.wait", note=str(note), go=str(go))
        wait_until(note.exists)
        connected = line.connections
        line.stall()
        wait_until(lambda: line.connections > connected)
        go.touch()
        assert finished(tenant, running).state == Job.State.SUCCEEDED
        line.go_on()
        later = start_job(tenant, actor, "worker_test.count_audit", steps=1)
        assert finished(tenant, later).state == Job.State.SUCCEEDED
        assert (worker.process.poll(), running.attempts) == (None, 1)
        kill(worker)


def in_time(line: Line, work: Callable[[], T]) -> T:
    """Return what ``work`` does; fail when it takes for ever."""
    with ThreadPoolExecutor(1) as other:
        done = other.submit(work)
        is_late = bool(wait([done], PATIENCE_SECONDS).not_done)
        if is_late:
            # Else the pool would wait with it.
            line.cut()
    assert not is_late
    return done.result()

"""RabbitMQ goes, comes back, and stalls: nothing is lost, and nobody waits for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TypeVar

import pytest
from django.utils import timezone

from loyalty_saas.embedded.processes import Child, Program, Supervisor
from loyalty_saas.embedded.product import beat_program, worker_program
from tenants import queue
from tenants.domain.actors import Actor
from tenants.models import Job, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tenants.services import outbox
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
QUICK_HEART = "tests.loyalty_saas.quick_heart"
SENT = ("tenants.run_job", "interactive", {"tenant_id": 0, "job_id": 0})


@pytest.fixture
def node(supervisor: Supervisor) -> Iterator[RabbitNode]:
    with node_of(supervisor) as node:
        yield node


def with_module(program: Program, module: str) -> tuple[str, ...]:
    """The program's command with another module that carries the Celery application."""
    return tuple(module if part == "loyalty_saas.celery" else part for part in program.command)


def test_a_node_that_comes_back_finds_the_work_that_was_given_meanwhile(
    node: RabbitNode, supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    [broker] = supervisor.start(node.program())
    environment = product_environment(node.url)
    worker = worker_program(ALL_QUEUES, environment, supervisor.directory / "run", JOBS)
    beat = beat_program(environment, supervisor.directory / "schedule")
    beat = replace(beat, command=with_module(beat, "tests.torture.quick_beat"))
    with broker_at(node.url):
        running = supervisor.start(worker, beat)
        for end in (supervisor.stop_child, kill_and_bury(supervisor)):
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
            [broker] = supervisor.start(node.program())
            # Else this process leaves it alone for the rest of its pause.
            queue.broker.trust()
            stories.grow_old(tenant)
            wait_until(lambda: stories.waiting(tenant) == (0, 0))
            assert [finished(tenant, job).state for job in meanwhile] == [Job.State.SUCCEEDED] * 3
        with tenant_scope(tenant):
            assert set(OutboxMessage.objects.values_list("state", flat=True)) == {OutboxMessage.State.DONE}
        assert [child.process.poll() for child in running] == [None, None]


def kill_and_bury(supervisor: Supervisor) -> Callable[[Child], None]:
    def end(child: Child) -> None:
        kill(child)
        supervisor.stop_child(child)

    return end


def test_a_stalled_line_holds_senders_up_for_one_time_out_each(
    node: RabbitNode, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue.Broker, "PAUSE_SECONDS", 0)
    supervisor.start(node.program())
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
    supervisor.start(node.program())
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

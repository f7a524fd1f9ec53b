"""A job from the service through a real broker and a real worker to its row."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from celery.utils.nodenames import gethostname
from django.db.models import F
from django.utils import timezone
from kombu import Connection

from loyalty_saas import celery as celery_module
from loyalty_saas.embedded.processes import Child, Supervisor
from loyalty_saas.embedded.product import Pool, worker_program
from loyalty_saas.embedded.valkey import EmbeddedValkey
from rewards.models import LedgerTransaction
from rewards.services import verification
from tenants.domain.actors import Actor
from tenants.models import AuditEntry, Job, Tenant
from tenants.scope import tenant_scope
from tenants.services import jobs
from tests.lines import line_to
from tests.loyalty_saas import worker_jobs  # noqa: F401 - registers the kinds here as well
from tests.processes import broker_at, kill, product_environment, wait_until
from tests.rewards.factories import make_customer, make_wallet

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "platform"]),
    pytest.mark.slow,
    pytest.mark.xdist_group("broker"),
]
JOBS = ("tests.loyalty_saas.worker_jobs",)
ALL_QUEUES = Pool(
    "all", ("interactive", "webhooks", "default.0", "default.1", "default.2", "default.3", "ml"), 2
)


@dataclass
class Station:
    """A broker and the worker on it, which the tests of this module share: to start one takes seconds."""

    url: str
    supervisor: Supervisor
    worker: Child | None = None

    def working(self) -> Child:
        """Return the worker, a new one where the last one was killed."""
        if self.worker is None:
            environment, home = product_environment(self.url), self.supervisor.directory / "run"
            [self.worker] = self.supervisor.start(worker_program(ALL_QUEUES, environment, home, JOBS))
        return self.worker

    def kill(self) -> None:
        kill(self.working())
        self.supervisor.stop_child(self.working())
        self.worker = None


@pytest.fixture(
    scope="module",
    params=[
        "valkey",
        pytest.param(
            "TEST_BROKER_URL",
            marks=pytest.mark.skipif(
                "TEST_BROKER_URL" not in os.environ, reason="TEST_BROKER_URL is not set"
            ),
        ),
        pytest.param(
            "TEST_REDIS_URL",
            marks=pytest.mark.skipif("TEST_REDIS_URL" not in os.environ, reason="TEST_REDIS_URL is not set"),
        ),
    ],
)
def shared_station(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[Station]:
    home = Path(tempfile.mkdtemp(prefix="ls-"))
    with Supervisor(home) as supervisor:
        if request.param == "valkey":
            server = EmbeddedValkey(home / "valkey")
            supervisor.start(server.program())
            yield Station(server.broker_url, supervisor)
        else:
            yield Station(os.environ[request.param], supervisor)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def station(shared_station: Station) -> Iterator[Station]:
    with broker_at(shared_station.url):
        yield shared_station


def finished(tenant: Tenant, job: Job) -> Job:
    def is_finished() -> bool:
        with tenant_scope(tenant):
            job.refresh_from_db()
        return job.state in Job.FINISHED

    wait_until(is_finished, what="The job is not finished.")
    return job


def start_job(tenant: Tenant, actor: Actor, kind: str, **params: object) -> Job:
    with tenant_scope(tenant):
        return jobs.start(kind=kind, params=params, by=actor, at=timezone.now())


def test_a_job_runs_in_a_worker_and_its_row_tells(
    station: Station, tenant: Tenant, other_tenant: Tenant, actor: Actor
) -> None:
    worker = station.working()
    foreign = start_job(other_tenant, actor, "worker_test.count_audit", steps=1)
    started = [start_job(tenant, actor, "worker_test.count_audit", steps=steps) for steps in (2, 3)]
    done = [finished(tenant, job) for job in started]
    assert [job.state for job in done] == [Job.State.SUCCEEDED, Job.State.SUCCEEDED]
    assert [(job.done, job.total, job.message) for job in done] == [(2, 2, "step 2"), (3, 3, "step 3")]
    # Two starts were audited in this tenant, one in the other.
    with tenant_scope(tenant):
        assert AuditEntry.objects.count() == 2
    assert finished(other_tenant, foreign).result["audit_entries"] == 1
    assert all(job.result["pid"] not in {os.getpid(), worker.process.pid} for job in done)


def test_a_failing_job_keeps_its_reason(station: Station, tenant: Tenant, actor: Actor) -> None:
    station.working()
    job = finished(tenant, start_job(tenant, actor, "worker_test.refuse"))
    assert (job.state, job.message) == (Job.State.FAILED, "no such file")
    assert "ValueError: no such file" in job.error


def test_a_job_whose_worker_was_killed_is_done_by_the_next(
    station: Station, supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    station.working()
    note = supervisor.directory / "first-attempt"
    job = start_job(tenant, actor, "worker_test.sleep_once", note=str(note))
    wait_until(note.exists)
    station.kill()
    assert jobs.sweep(at=timezone.now(), resend_after=timedelta(0), lost_after=timedelta(0)) == 1
    station.working()
    done = finished(tenant, job)
    assert (done.state, done.attempts, done.result) == (Job.State.SUCCEEDED, 2, {"attempt": "second"})


def test_a_job_of_a_stopped_worker_is_done_by_another_and_left_alone_by_the_first(
    supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    server = EmbeddedValkey(supervisor.directory / "valkey")
    supervisor.start(server.program())
    note, go = supervisor.directory / "runs", supervisor.directory / "go"
    with tenant_scope(tenant):
        make_wallet()
        members = [make_customer() for _ in range(4)]
    with broker_at(server.broker_url):
        environment, home = product_environment(server.broker_url), supervisor.directory / "run"
        stopped, other = supervisor.start(
            *(worker_program(replace(ALL_QUEUES, name=name), environment, home, JOBS) for name in ("a", "b"))
        )
        job = start_job(tenant, actor, "worker_test.pay", note=str(note), go=str(go))
        wait_until(note.exists)
        if "tenants.run_job" not in stopped.log.read_text():
            stopped, other = other, stopped
        os.killpg(stopped.process.pid, signal.SIGSTOP)
        with tenant_scope(tenant):
            # A minute passes without a sign of life.
            Job.objects.update(heartbeat_at=F("heartbeat_at") - jobs.LOST_AFTER)

        def is_done() -> bool:
            # A message that was handed to the stopped one is sent again.
            jobs.sweep(at=timezone.now(), resend_after=timedelta(seconds=1))
            with tenant_scope(tenant):
                job.refresh_from_db()
            return job.state in Job.FINISHED

        wait_until(is_done)
        assert (job.state, job.result, job.attempts) == (Job.State.SUCCEEDED, {"attempt": "second"}, 2)
        with tenant_scope(tenant):
            row = Job.objects.values().get()
        go.touch()
        os.killpg(stopped.process.pid, signal.SIGCONT)
        wait_until(lambda: "job.lost" in stopped.log.read_text())
        with tenant_scope(tenant):
            assert Job.objects.values().get() == row
            paid = LedgerTransaction.objects.values_list("source_id", flat=True)
            assert sorted(paid) == sorted(str(member.pk) for member in members)
            assert verification.verify_ledger(by=actor, at=timezone.now()).findings == ()
        # It is as good as new.
        supervisor.stop_child(other)
        later = start_job(tenant, actor, "worker_test.count_audit", steps=1)
        assert finished(tenant, later).state == Job.State.SUCCEEDED


def test_a_worker_and_its_job_outlive_their_broker(
    supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    server = EmbeddedValkey(supervisor.directory / "valkey")
    [broker] = supervisor.start(server.program())
    note, go = supervisor.directory / "runs", supervisor.directory / "go"
    with broker_at(server.broker_url):
        environment = product_environment(server.broker_url)
        [worker] = supervisor.start(
            worker_program(ALL_QUEUES, environment, supervisor.directory / "run", JOBS)
        )
        running = start_job(tenant, actor, "worker_test.wait", note=str(note), go=str(go))
        wait_until(note.exists)
        # What the job's message was taken from is gone, and so is whom to give it back to.
        kill(broker)
        supervisor.stop_child(broker)
        shutil.rmtree(server.home)
        supervisor.start(server.program())
        # Both while the job runs and when it has ended, and cannot tell whom it came from.
        for _ in range(2):
            other = start_job(tenant, actor, "worker_test.count_audit", steps=1)
            assert finished(tenant, other).state == Job.State.SUCCEEDED
            go.touch()
            done = finished(tenant, running)
        assert (done.state, done.attempts) == (Job.State.SUCCEEDED, 1)
        assert worker.process.poll() is None


def test_a_worker_hears_again_although_all_its_jobs_ended_without_a_broker(
    supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    """Found by the kill tests: none of its messages could be acknowledged, so it asked for no more."""
    server = EmbeddedValkey(supervisor.directory / "valkey")
    [broker] = supervisor.start(server.program())
    notes, go = [supervisor.directory / f"runs-{number}" for number in range(2)], supervisor.directory / "go"
    assert len(notes) == ALL_QUEUES.concurrency
    with broker_at(server.broker_url):
        supervisor.start(
            worker_program(
                ALL_QUEUES, product_environment(server.broker_url), supervisor.directory / "run", JOBS
            )
        )
        running = [start_job(tenant, actor, "worker_test.wait", note=str(note), go=str(go)) for note in notes]
        for note in notes:
            wait_until(note.exists)
        kill(broker)
        supervisor.stop_child(broker)
        go.touch()
        assert [finished(tenant, job).state for job in running] == [Job.State.SUCCEEDED] * 2
        shutil.rmtree(server.home)
        supervisor.start(server.program())
        later = start_job(tenant, actor, "worker_test.count_audit", steps=1)
        assert finished(tenant, later).state == Job.State.SUCCEEDED


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(name not in os.environ, reason=f"{name} is not set"))
        for name in ("TEST_BROKER_URL", "TEST_REDIS_URL")
    ],
)
def test_a_worker_and_its_job_outlive_a_cut_line(
    name: str, supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    note, go = supervisor.directory / "runs", supervisor.directory / "go"
    line, url = line_to(os.environ[name])
    with line, broker_at(os.environ[name]):
        program = worker_program(ALL_QUEUES, product_environment(url), supervisor.directory / "run", JOBS)
        [worker] = supervisor.start(program)
        running = start_job(tenant, actor, "worker_test.wait", note=str(note), go=str(go))
        wait_until(note.exists)
        line.cut()
        for _ in range(2):
            other = start_job(tenant, actor, "worker_test.count_audit", steps=1)
            assert finished(tenant, other).state == Job.State.SUCCEEDED
            go.touch()
            done = finished(tenant, running)
        assert (done.state, done.attempts) == (Job.State.SUCCEEDED, 1)
        assert worker.process.poll() is None
        supervisor.stop_child(worker)


@pytest.mark.skipif("TEST_BROKER_URL" not in os.environ, reason="TEST_BROKER_URL is not set")
def test_a_worker_starts_while_the_broker_still_holds_what_its_dead_namesake_had(
    supervisor: Supervisor,
) -> None:
    url = os.environ["TEST_BROKER_URL"]
    with Connection(url) as dead:
        dead.channel().queue_declare(f"{ALL_QUEUES.name}@{gethostname()}.celery.pidbox", exclusive=True)
        [worker] = supervisor.start(
            worker_program(ALL_QUEUES, product_environment(url), supervisor.directory / "run", JOBS)
        )
        assert worker.process.poll() is None


def test_every_periodic_task_is_registered_and_has_a_queue() -> None:
    schedule = celery_module.app.conf.beat_schedule
    names = {entry["task"] for entry in schedule.values()}
    assert names <= set(celery_module.app.tasks)
    assert set(celery_module.app.amqp.queues) == set(celery_module.queue_names())

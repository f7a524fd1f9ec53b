"""The line to PostgreSQL stalls or breaks: requests and workers give up, and go on when it is back."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F

from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.product import web_program, worker_program
from loyalty_saas.embedded.sockets import free_port
from loyalty_saas.embedded.valkey import EmbeddedValkey
from tenants.domain.actors import Actor
from tenants.models import Job, Tenant
from tenants.scope import tenant_scope
from tenants.services import jobs
from tests.conftest import ApiClient
from tests.lines import Line
from tests.loyalty_saas.test_worker import ALL_QUEUES, JOBS, finished, start_job
from tests.processes import PATIENCE_SECONDS, broker_at, product_environment, wait_until
from tests.rewards.factories import make_customer, make_wallet

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "platform"]),
    pytest.mark.slow,
    pytest.mark.xdist_group("web"),
]
Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def line() -> Iterator[Line]:
    """The line to the test's server."""
    host, port = settings.DATABASES["default"]["HOST"], settings.DATABASES["default"]["PORT"] or "5432"
    with Line(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else int(port)) as line:
        yield line


def by(line: Line, broker_url: str) -> dict[str, str]:
    """The product's environment with every role's database at the end of the line."""
    urls = {}
    for name, alias in (("", "default"), ("OWNER_", "owner"), ("PLATFORM_", "platform")):
        database = settings.DATABASES[alias]
        who = f"{database['USER']}:{database['PASSWORD']}"
        urls[f"DATABASE_{name}URL"] = f"postgresql://{who}@{line.place}/{database['NAME']}"
    return {**product_environment(broker_url), **urls}


@pytest.fixture
def ask(line: Line, supervisor: Supervisor, api: ApiClient) -> Ask:
    """Ask a real web server, which is patient for two seconds: one that never answers fails the test."""
    port = free_port()
    environment = {
        **by(line, "memory://"), "WEB_CONCURRENCY": "1", "LOG_LEVEL": "ERROR",
        "DATABASE_SILENCE_SECONDS": "2", "DATABASE_CONNECT_SECONDS": "2",
    }  # fmt: skip
    supervisor.start(web_program(environment, port))

    def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json", **headers}
        connection.request(method, f"/api/v1{path}", json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    return ask


def test_requests_give_up_on_a_stalled_line_and_have_one_effect_when_sent_again(
    ask: Ask, line: Line, tenant: Tenant
) -> None:
    with tenant_scope(tenant):
        make_wallet()
        member = make_customer()
    earn = ("POST", f"/customers/{member.public_id}/points/earn", {"points": 5})
    balances = ("GET", f"/customers/{member.public_id}/points")
    assert ask(*earn, **{"Idempotency-Key": "first"})[0] == 201
    line.stall()
    # Once on a connection that is there, then on those that are asked for.
    for _ in range(3):
        status, problem = ask(*earn, **{"Idempotency-Key": "second"})
        assert (status, problem["code"]) == (503, "unavailable")
    line.go_on()
    wait_until(lambda: ask(*earn, **{"Idempotency-Key": "second"})[0] == 201)
    status, found = ask(*balances)
    assert (status, found["balances"][0]["available"]) == (200, 10)


def test_a_worker_outlives_a_line_that_stalls_and_breaks(
    line: Line, supervisor: Supervisor, tenant: Tenant, actor: Actor
) -> None:
    server = EmbeddedValkey(supervisor.directory / "valkey")
    supervisor.start(server.program())
    environment = by(line, server.broker_url)
    with broker_at(server.broker_url):
        [worker] = supervisor.start(
            worker_program(ALL_QUEUES, environment, supervisor.directory / "run", JOBS)
        )
        before = start_job(tenant, actor, "worker_test.count_audit", steps=1)
        assert finished(tenant, before).state == Job.State.SUCCEEDED
        line.stall()
        held = start_job(tenant, actor, "worker_test.count_audit", steps=1)
        wait_until(lambda: worker.log.read_text().count("tenants.run_job") > 2)
        line.cut()
        line.go_on()
        with tenant_scope(tenant):
            # As after a minute: whoever took the message could not even begin.
            assert Job.objects.get(pk=held.pk).state == Job.State.QUEUED
            Job.objects.filter(pk=held.pk).update(sent_at=F("sent_at") - jobs.RESEND_AFTER)
        assert jobs.sweep(at=held.created_at + jobs.RESEND_AFTER / 2) == 1
        done = finished(tenant, held)
        assert (done.state, done.attempts, worker.process.poll()) == (Job.State.SUCCEEDED, 1, None)

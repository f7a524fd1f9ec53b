"""Workers, the relay and the broker are killed under load: the state is as if nothing had happened."""

from __future__ import annotations

import random
from itertools import count

import pytest

from tenants.models import Tenant
from tests.processes import broker_at, wait_until
from tests.torture import stories
from tests.torture.callers import working
from tests.torture.courier import Courier
from tests.torture.crew import Crew
from tests.torture.kills import KILLS, kills, repeatedly
from tests.torture.stories import Teller

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "platform"]),
    pytest.mark.slow,
    pytest.mark.xdist_group("crew"),
]
TELLERS = 2
MESSAGES = 36
DRAINED_SECONDS = 120
NOWHERE = "memory://localhost"
# Now and then the machine goes: the worker with all of its processes.
WHOLE_WORKER_EVERY = 3


@pytest.fixture(autouse=True)
def begun(tenant: Tenant, other_tenant: Tenant) -> None:
    stories.begin(tenant, other_tenant)


def test_killed_workers_lose_nothing_and_double_nothing(
    crew: Crew, tenant: Tenant, other_tenant: Tenant
) -> None:
    turn = count(1)

    def strike(chance: random.Random) -> None:
        if next(turn) % WHOLE_WORKER_EVERY:
            crew.kill_a_process(chance)
        else:
            crew.kill_worker()

    teller = Teller(tenant)
    with working(teller, TELLERS):
        repeatedly(strike, kills(2, of_a_thousand=100), shortest=0.3, longest=0.8)
    # Nobody runs any more what was at work.
    crew.kill_worker()
    drain(tenant)
    assert_as_if_nothing_had_happened(teller, other_tenant)


def test_a_killed_relay_loses_nothing_and_doubles_nothing(
    crew: Crew, tenant: Tenant, other_tenant: Tenant
) -> None:
    teller = Teller(tenant, backlog=30)
    # Whatever is sent is lost: only the relay and the sweeper find the rows, and only they are at work.
    with broker_at(NOWHERE), working(teller, TELLERS):
        repeatedly(crew.kill_a_process, kills(2, of_a_thousand=50), shortest=0.3, longest=0.8)
    drain(tenant)
    assert_as_if_nothing_had_happened(teller, other_tenant)


def test_messages_may_be_lost_doubled_and_out_of_order(
    crew: Crew, tenant: Tenant, other_tenant: Tenant
) -> None:
    teller, courier = Teller(tenant, backlog=10 * MESSAGES), Courier(crew.valkey)
    with crew.beat_stopped():
        # What the beat has sent already would find the lost ones.
        crew.kill_worker(with_messages=True)
        with courier.carrying(), working(teller, TELLERS):
            wait_until(lambda: len(teller.told) >= MESSAGES)
        wait_until(lambda: not courier.arrived & stories.untouched(tenant))
        assert courier.lost <= stories.untouched(tenant)
    assert min(courier.moods["lost"], courier.moods["doubled"]) > 0
    drain(tenant)
    assert_as_if_nothing_had_happened(teller, other_tenant)


def test_a_wiped_broker_takes_nothing_along(crew: Crew, tenant: Tenant, other_tenant: Tenant) -> None:
    worker, beat = crew.worker.process, crew.beat.process
    teller = Teller(tenant)
    with working(teller, TELLERS):
        repeatedly(lambda _: crew.wipe_broker(), kills(1, of_a_thousand=10), shortest=0.5, longest=1.0)
        told = len(teller.told)
        wait_until(lambda: len(teller.told) >= told + 10)
    # Nobody starts the worker or the beat again: both come back by themselves.
    drain(tenant)
    assert (worker.poll(), beat.poll()) == (None, None)
    assert_as_if_nothing_had_happened(teller, other_tenant)


@pytest.mark.skipif(not KILLS, reason="The sweepers take their own time, and KILLS is not set.")
def test_the_product_drains_a_wiped_broker_within_two_minutes(
    crew: Crew, tenant: Tenant, other_tenant: Tenant
) -> None:
    teller = Teller(tenant)
    with crew.in_their_own_time():
        with working(teller, TELLERS):
            wait_until(lambda: len(teller.told) >= MESSAGES)
            crew.wipe_broker()
        wait_until(lambda: stories.waiting(tenant) == (0, 0), DRAINED_SECONDS)
    assert_as_if_nothing_had_happened(teller, other_tenant)


def drain(tenant: Tenant) -> None:
    """Time passes, and the sweepers find what nobody was told of."""
    stories.grow_old(tenant)
    wait_until(lambda: stories.waiting(tenant) == (0, 0))


def assert_as_if_nothing_had_happened(teller: Teller, other_tenant: Tenant) -> None:
    with broker_at(NOWHERE):
        stories.retell(teller.told, other_tenant)
    assert stories.state_of(teller.tenant) == stories.state_of(other_tenant)

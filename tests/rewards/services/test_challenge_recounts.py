"""A revision that makes a challenge count otherwise reaches everybody under way, not only who acts next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.models import Customer
from rewards.models import ChallengeProgress
from rewards.queries import challenges as challenge_queries
from rewards.services import challenge_recounts, challenges
from tenants.domain.actors import SYSTEM
from tenants.models import Job, Tenant
from tenants.queue import JobContext, registry
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.rewards.challenge_worlds import LIVE, ORDERS, challenge, count_orders, progress_of, publish
from tests.rewards.factories import balance_of, make_customer, make_order

DAY = timedelta(days=1)
LINES = [("DAIRY", 2, 1000)]


@pytest.fixture
def ann(tenant: Tenant) -> Customer:
    """Bought once, in a challenge of two orders without an end."""
    with tenant_scope(tenant):
        publish(challenge(ORDERS), challenge(ORDERS, key="join", opt_in=True))
        customer = make_customer(created_at=LIVE)
        challenges.opt_in(customer=customer, key="join", by=SYSTEM, at=NOW - DAY * 5)
        count_orders(make_order(customer, LINES, NOW - DAY).pk)
    return customer


def recount(tenant: Tenant) -> list[dict[str, Any]]:
    """Run the jobs that publishing has started; return their results."""
    with tenant_scope(tenant):
        waiting = list(Job.objects.filter(kind=challenge_recounts.JOB))
    context: dict[str, Any] = {"tenant": tenant, "actor": SYSTEM, "at": NOW, "progress": lambda *_: None}
    handler = registry.handler_by_kind[challenge_recounts.JOB]
    return [handler(job=JobContext(params=job.params, **context)) for job in waiting]


def test_a_lower_goal_is_reached_at_once_and_once(tenant: Tenant, ann: Customer) -> None:
    with tenant_scope(tenant):
        publish(challenge({**ORDERS, "target": 1}), challenge(ORDERS, key="join", opt_in=True), at=NOW)
    assert recount(tenant) == [{"completed": 1, "given": 1}]
    assert recount(tenant) == [{"completed": 0, "given": 0}]
    with tenant_scope(tenant):
        assert balance_of(ann) == (100, 0)


def test_who_opted_out_stays_out(tenant: Tenant, ann: Customer) -> None:
    with tenant_scope(tenant):
        challenges.opt_out(customer=ann, key="join", by=SYSTEM, at=NOW)
        publish(challenge(ORDERS), challenge({**ORDERS, "target": 1}, key="join", opt_in=True), at=NOW)
    assert recount(tenant) == [{"completed": 0, "given": 0}]


def test_a_window_that_ends_earlier_ends_what_is_under_way(tenant: Tenant, ann: Customer) -> None:
    """Also for who has nothing left that counts: the stored period had no end."""
    zone = ZoneInfo(tenant.time_zone)
    over = {"kind": "dates", "ends_on": (NOW - DAY * 3).astimezone(zone).date().isoformat()}
    with tenant_scope(tenant):
        publish(challenge(ORDERS, window=over), at=NOW)
        (status,) = challenge_queries.of_customer(ann, at=NOW)
        assert (status.state, status.value) == ("expired", 0)
    assert recount(tenant) == [{"completed": 0, "given": 0}]
    with tenant_scope(tenant):
        assert progress_of(ann) == [("1", "expired", 0)]


def test_a_window_that_ends_later_revives_what_was_over(tenant: Tenant, ann: Customer) -> None:
    zone = ZoneInfo(tenant.time_zone)
    ends = {
        name: {"kind": "dates", "ends_on": (NOW + days * DAY).astimezone(zone).date().isoformat()}
        for name, days in (("early", 0), ("late", 30))
    }
    with tenant_scope(tenant):
        publish(challenge(ORDERS, window=ends["early"]), at=NOW)
    recount(tenant)
    with tenant_scope(tenant):
        challenges.sweep(by=SYSTEM, at=NOW + DAY * 2)
        assert progress_of(ann) == [("1", "expired", 1)]
        publish(challenge(ORDERS, window=ends["late"]), at=NOW + DAY * 2)
        (status,) = challenge_queries.of_customer(ann, at=NOW + DAY * 2)
        assert (status.state, status.value) == ("in_progress", 1)
    recount(tenant)
    with tenant_scope(tenant):
        assert ChallengeProgress.objects.get(challenge_key="c").state == "in_progress"


@pytest.mark.parametrize(
    ("after", "keys"),
    [
        ([challenge(ORDERS)], []),
        ([{**challenge(ORDERS), "name": "Other words"}], []),
        ([challenge({**ORDERS, "target": 5})], ["c"]),
        ([challenge({**ORDERS, "target": 5}, key="new")], []),
        ([], []),
    ],
)
def test_only_what_counts_otherwise_is_counted_again(after: list[dict[str, Any]], keys: list[str]) -> None:
    assert challenge_recounts.changed_keys({"challenges": [challenge(ORDERS)]}, {"challenges": after}) == keys

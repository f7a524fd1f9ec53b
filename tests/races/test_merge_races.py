"""Merges of overlapping pairs, undoings and arriving events at the same moment lose and double nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from crm.domain.events import NewEvent
from crm.models import Customer, CustomerMerge, Event, Identity
from crm.services import ingest, merges
from tenants.domain.actors import SYSTEM
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.races.test_ledger_races import THREADS, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(tenant: Tenant, other_tenant: Tenant) -> list[Customer]:
    with tenant_scope(other_tenant):
        factories.customer("c0")
    with tenant_scope(tenant):
        found = [factories.customer(f"c{number}") for number in range(4)]
        for number, customer in enumerate(found):
            factories.event(customer, f"before-{number}")
    return found


def attempt(tenant: Tenant, survivor: Customer, absorbed: Customer) -> str:
    try:
        with tenant_scope(tenant):
            merges.merge(survivor=survivor, absorbed=absorbed, by=SYSTEM, at=NOW)
    except DomainError as error:
        return error.code
    return "merged"


def test_overlapping_pairs(tenant: Tenant, people: list[Customer]) -> None:
    """Each thread merges its pair in a ring, both ways round: no deadlock, nobody is absorbed twice."""
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (1, 0), (2, 1), (3, 2), (0, 3)]

    def work(number: int) -> str:
        first, second = pairs[number % len(pairs)]
        return attempt(tenant, people[first], people[second])

    answers = Counter(together(work))
    assert set(answers) <= {"merged", "customers_not_mergeable"}
    with tenant_scope(tenant):
        states = Counter(Customer.objects.values_list("state", flat=True))
        assert answers["merged"] == CustomerMerge.objects.count() == states["merged"]
        assert states["active"] + states["merged"] == 4
        assert not Event.objects.filter(customer__state="merged").exists()
        assert Identity.objects.count() == Event.objects.count() == 4


def test_events_that_arrive_during_a_merge_are_kept(tenant: Tenant, people: list[Customer]) -> None:
    ann, anne = people[:2]

    def work(number: int) -> Any:
        if number == 0:
            return attempt(tenant, ann, anne)
        batch = [NewEvent(f"m-{number}-{each}", "seen", NOW, external_id="c1") for each in range(5)]
        with tenant_scope(tenant):
            return ingest.accept(batch=batch, by=SYSTEM, at=NOW).counts["accepted"]

    assert together(work) == ["merged"] + [5] * (THREADS - 1)
    with tenant_scope(tenant):
        merges.gather_strays()
        assert Event.objects.filter(customer=ann).count() == 2 + 5 * (THREADS - 1)
        assert not Event.objects.filter(customer=anne).exists()


def test_undoing_twice_at_once(tenant: Tenant, people: list[Customer]) -> None:
    with tenant_scope(tenant):
        merge = merges.merge(survivor=people[0], absorbed=people[1], by=SYSTEM, at=NOW)

    def work(_number: int) -> str:
        try:
            with tenant_scope(tenant):
                merges.unmerge(merge=merge, by=SYSTEM, at=NOW)
        except DomainError as error:
            return error.code
        return "undone"

    assert Counter(together(work, 4)) == {"undone": 1, "merge_not_undoable": 3}

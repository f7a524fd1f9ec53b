"""The same customer told to us by many connections at once is one customer."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from crm.domain.events import NewEvent
from crm.models import Customer, Event, Identity
from crm.services import customers, identities, ingest
from crm.services.customers import CustomerChange, IdentityTaken
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.crm import factories
from tests.races.test_ledger_races import THREADS, together
from tests.rewards.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def elsewhere(other_tenant: Tenant) -> None:
    """The other tenant knows the same people already."""
    with tenant_scope(other_tenant):
        factories.customer("c-0")


def test_one_of_the_creators_wins(tenant: Tenant) -> None:
    def create(_number: int) -> str:
        try:
            with tenant_scope(tenant):
                customers.create(
                    external_id="c-0", change=CustomerChange(person={"email": "a@b.cc"}), by=SYSTEM, at=NOW
                )
        except IdentityTaken as error:
            return error.code
        return "created"

    assert Counter(together(create)) == {"created": 1, "identity_taken": THREADS - 1}
    with tenant_scope(tenant):
        assert (Customer.objects.count(), Identity.objects.count()) == (1, 2)


def test_obtaining_finds_what_another_made_meanwhile(tenant: Tenant) -> None:
    pairs = [("external_id", f"c-{number}") for number in range(20)]

    def resolve(number: int) -> dict[Any, int]:
        # Each asks for a window of its own: the windows overlap and come in any order.
        asked = [pairs[(number * 3 + step) % 20] for step in range(10)]
        with tenant_scope(tenant):
            return identities.resolve_or_create(asked, at=NOW)

    answers = together(resolve)
    with tenant_scope(tenant):
        made = {(each.kind, each.value): each.customer_id for each in Identity.objects.all()}
        assert Customer.objects.count() == len(made) == 20
    for answer in answers:
        assert len(answer) == 10
        assert answer.items() <= made.items()


def test_batches_of_the_same_strangers_make_each_once(tenant: Tenant) -> None:
    def accept(number: int) -> Counter[str]:
        batch = [
            NewEvent(
                f"m-{number}-{each}", "seen", NOW - timedelta(minutes=each), email=f"p{each}@example.com"
            )
            for each in range(10)
        ]
        with tenant_scope(tenant):
            return ingest.accept(batch=batch, by=SYSTEM, at=NOW).counts

    assert together(accept) == [Counter(accepted=10)] * THREADS
    with tenant_scope(tenant):
        assert (Customer.objects.count(), Event.objects.count()) == (10, 10 * THREADS)

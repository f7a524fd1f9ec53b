"""Real connections: whoever tells of the last step at once gets one reward, and takes one back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rewards.models import ChallengeProgress, LedgerTransaction
from rewards.services import challenges, verification
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.races.test_ledger_races import together
from tests.rewards.challenge_worlds import LIVE, ORDERS, challenge, count_orders, progress_of, publish
from tests.rewards.factories import NOW, balance_of, make_customer, make_order, make_return

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
LINES = [("DAIRY", 2, 1000)]


def test_a_challenge_completed_by_many_at_once_pays_once(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        publish(challenge(ORDERS))
        stranger = make_customer(created_at=LIVE)
        count_orders(make_order(stranger, LINES, NOW - DAY).pk)
    with tenant_scope(tenant):
        publish(challenge(ORDERS))
        ann = make_customer(created_at=LIVE)
        orders = [make_order(ann, LINES, NOW - DAY * days) for days in (5, 4, 3, 2)]
        first = [order.pk for order in orders]

    def count(number: int) -> None:
        with tenant_scope(tenant):
            # Everybody tells of another pair, so that each may be the one that completes it.
            count_orders(first[number % 4], first[(number + 1) % 4])

    assert set(together(count)) == {None}
    with tenant_scope(tenant):
        assert (progress_of(ann), balance_of(ann)) == ([("1", "rewarded", 4)], (100, 0))
        backs = [make_return(order, {1: 2}).pk for order in orders[:3]]

    def give_back(number: int) -> None:
        with tenant_scope(tenant):
            challenges.record_returns([backs[number % 3]], by=SYSTEM, at=NOW)

    assert set(together(give_back)) == {None}
    with tenant_scope(tenant):
        assert (progress_of(ann), balance_of(ann)) == ([("1", "in_progress", 1)], (0, 0))
        assert LedgerTransaction.objects.count() == 2
        assert verification.verify_ledger(by=SYSTEM, at=NOW).is_sound
    with tenant_scope(other_tenant):
        assert progress_of(stranger) == [("1", "in_progress", 1)]


def test_the_last_places_go_to_as_many_as_there_are(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish(challenge({**ORDERS, "target": 1}, limits={"total": 2}))
        members = [make_customer(created_at=LIVE) for _ in range(4)]
        orders = [make_order(member, LINES, NOW - DAY).pk for member in members]

    def count(number: int) -> None:
        with tenant_scope(tenant):
            count_orders(orders[number % 4])

    assert set(together(count)) == {None}
    with tenant_scope(tenant):
        assert ChallengeProgress.objects.filter(completed_at__isnull=False).count() == 2
        assert LedgerTransaction.objects.count() == 2

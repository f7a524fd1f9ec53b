"""PostgreSQL is killed under posting load: every acknowledged posting is there, and the books hold."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import count, takewhile
from threading import Event as Flag

import pytest
from django.db import Error, connections

from loyalty_saas.embedded.processes import Supervisor
from rewards.models import Account, LedgerTransaction
from rewards.services import verification
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import _admin_url
from tests.rewards.factories import NOW, make_customer, make_wallet, post
from tests.torture.callers import working
from tests.torture.kills import kills, repeatedly
from tests.torture.own_server import OwnServer, own_server

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "owner", "platform"]),
    pytest.mark.slow,
]
POSTERS = 4


@pytest.fixture
def server(tenant: Tenant, other_tenant: Tenant, supervisor: Supervisor) -> Iterator[OwnServer]:
    with own_server(supervisor, _admin_url()) as server:
        yield server


def test_every_acknowledged_posting_survives_the_databases_death(server: OwnServer, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        wallet, hot = make_wallet(), make_customer()
        members = [make_customer() for _ in range(POSTERS)]
        post(hot, wallet, 1_000_000, "all there is")
    sent, acknowledged = set(), set()

    def work(number: int, is_over: Flag) -> None:
        for turn in takewhile(lambda _: not is_over.is_set(), count()):
            source = f"{number}-{turn}"
            # Everybody spends from one balance and earns on an own one.
            customer, points = (hot, -1) if turn % 2 else (members[number], 1)
            sent.add(source)
            try:
                with tenant_scope(tenant):
                    post(customer, wallet, points, source)
            except Error:
                # Perhaps it was committed, and nobody could say so.
                connections.close_all()
                continue
            acknowledged.add(source)
        connections.close_all()

    def strike(chance: random.Random) -> None:
        server.kill(chance)
        server.start_again()

    with working(work, POSTERS):
        repeatedly(strike, kills(2, of_a_thousand=250), shortest=0.1, longest=0.6)
    connections.close_all()
    with tenant_scope(tenant):
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
        kept = Counter(
            LedgerTransaction.objects.exclude(points=1_000_000).values_list("source_id", flat=True)
        )
        assert acknowledged
        assert acknowledged - set(kept) == set()
        assert set(kept) - sent == set()
        assert set(kept.values()) == {1}
        spent = sum(int(source.split("-")[1]) % 2 for source in kept)
        assert Account.objects.get(customer=hot).available == 1_000_000 - spent

"""Two workers draw on one budget at the same time: it pays exactly what it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from rewards.models import BudgetUsage, DecisionRecord
from rewards.services import earning, programs
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_budget_and_a_cap_pay_exactly_what_they_have(tenant: Tenant) -> None:
    points = [{"type": "points", "wallet": "points", "points": 30}]
    document = {
        "wallets": [{"key": "points", "name": "Points"}],
        "budgets": [{"key": "b", "name": "B", "period": "program", "points": 100}],
        "rules": [
            {"key": "shared", "name": "Shared", "effects": points, "budget": "b"},
            {"key": "once", "name": "Once", "effects": points, "caps": [{"per": "program", "times": 1}]},
        ],
    }
    with tenant_scope(tenant):
        programs.publish(
            revision=programs.save_draft(document=document, by=SYSTEM, at=NOW), by=SYSTEM, at=NOW
        )
        customers = [make_customer(), make_customer()]
        orders = [make_order(customer, [("A", 1, 100)]).pk for customer in customers for _ in range(4)]

    def award(order_id: int) -> None:
        try:
            with tenant_scope(tenant):
                earning.award_orders([order_id], by=SYSTEM, at=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=4) as workers:
        # Every order twice: the twin finds it decided and pays nothing.
        list(workers.map(award, [*orders, *orders]))
    with tenant_scope(tenant):
        records = [row.record for row in DecisionRecord.objects.all()]
        assert len(records) == len(orders)
        given = {
            key: sum(rule["points"] for record in records for rule in record["rules"] if rule["rule"] == key)
            for key in ("shared", "once")
        }
        assert given == {"shared": 100, "once": 60}
        assert BudgetUsage.objects.get().points == 100

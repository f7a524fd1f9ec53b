"""Workers draw on one budget at the same time, for rules and challenges: it pays exactly what it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from rewards.models import Account, BudgetUsage, DecisionRecord, LedgerTransaction
from rewards.services import challenges, earning, programs
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


def test_challenges_and_rules_share_a_budget_and_nobody_waits_in_a_circle(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    """Orders earn, complete a challenge, and advance another one that a second budget pays."""
    points = [{"type": "points", "wallet": "points", "points": 7}]
    advance = [{"type": "challenge", "challenge": "pushed", "progress": 1}]
    gift = [{"kind": "points", "wallet": "points", "points": 50}]
    goal = {"kind": "count", "match": {}, "target": 1}
    document = {
        "wallets": [{"key": "points", "name": "Points"}],
        "budgets": [
            {"key": "a", "name": "A", "period": "month", "points": 130},
            {"key": "b", "name": "B", "period": "day", "points": 170},
        ],
        # What a rule gives beside its points goes with them once the budget is empty: two rules.
        "rules": [
            {"key": "base", "name": "Base", "effects": points, "budget": "b"},
            {"key": "push", "name": "Push", "effects": advance},
        ],
        "challenges": [
            {"key": "pushed", "name": "P", "goal": {"kind": "count", "match": {"event": "x"}, "target": 1},
             "recurrence": "on_completion", "rewards": gift, "budget": "a"},
            {"key": "own", "name": "O", "goal": goal, "recurrence": "on_completion", "rewards": gift,
             "budget": "b", "milestones": []},
        ],
    }  # fmt: skip
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
            programs.publish(revision=draft, by=SYSTEM, at=NOW)
    with tenant_scope(tenant):
        customers = [make_customer(), make_customer()]
        orders = [make_order(customer, [("A", 1, 100)]).pk for customer in customers for _ in range(4)]

    def work(number: int) -> None:
        try:
            with tenant_scope(tenant):
                order = orders[number // 2 % len(orders)]
                if number % 2:
                    challenges.record_orders([order], by=SYSTEM, at=NOW)
                else:
                    earning.award_orders([order], by=SYSTEM, at=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=4) as workers:
        list(workers.map(work, range(4 * len(orders))))
    with tenant_scope(tenant):
        paid = dict(BudgetUsage.objects.values_list("budget_key", "points"))
        assert paid == {"a": 130, "b": 170}
        given = LedgerTransaction.objects.filter(kind="earn").values_list("points", flat=True)
        assert (sum(given), sum(Account.objects.values_list("available", flat=True))) == (300, 300)
    with tenant_scope(other_tenant):
        assert not BudgetUsage.objects.exists()

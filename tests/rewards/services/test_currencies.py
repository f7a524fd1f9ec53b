"""Orders in other currencies through the services: points, spend, tiers, challenges, referrals, returns."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from crm.models import Customer, Order
from rewards.models import ChallengeContribution, DecisionRecord, TierMembership
from rewards.queries import exchange, programs
from rewards.queries.compiled_revisions import compiler
from rewards.services import challenges, earning, history, rehearsals, simulations, tiers
from rewards.services import programs as program_services
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.rewards.challenge_worlds import LIVE
from tests.rewards.factories import balance_of, make_customer, make_order, make_return

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DOCUMENT: dict[str, Any] = {
    "wallets": [{"key": "points", "name": "Points"}],
    "rules": [{"key": "base", "name": "Base", "effects": [
        {"type": "points", "wallet": "points", "points": 1, "per_minor": 100}]}],
    "tiers": [{"key": "member", "name": "Member", "threshold_minor": 0},
              {"key": "gold", "name": "Gold", "threshold_minor": 9_000}],
    "challenges": [{"key": "spend", "name": "Spend", "rewards": [{"kind": "message", "message": "m"}],
                    "goal": {"kind": "sum", "match": {}, "of": "amount_minor", "target": 10**6}}],
}  # fmt: skip


def publish(**rates: str) -> None:
    document = {**DOCUMENT, "policies": {"exchange_rates": rates}}
    draft = program_services.save_draft(document=document, by=SYSTEM, at=LIVE)
    program_services.publish(revision=draft, by=SYSTEM, at=LIVE)


def yen(customer: Customer, *amounts: int, days: float = 1) -> Order:
    order = make_order(customer, [("A", 2, amount) for amount in amounts], NOW - days * DAY)
    Order.objects.filter(pk=order.pk).update(currency="JPY")
    order.currency = "JPY"
    return order


def award(*orders: Order) -> None:
    earning.award_orders([order.pk for order in orders], by=SYSTEM, at=NOW)
    challenges.record_orders([order.pk for order in orders], by=SYSTEM, at=NOW)
    tiers.recompute(at=NOW)


def standing(customer: Customer) -> tuple[Any, ...]:
    row = TierMembership.objects.get(customer=customer)
    counted = ChallengeContribution.objects.filter(customer=customer).values_list("amount", flat=True)
    return row.tier_key, sum(counted)


def test_without_a_rate_money_counts_as_nothing_everywhere_and_is_told(scope: Tenant) -> None:
    publish()
    customer = make_customer(created_at=LIVE)
    award(yen(customer, 10_000))
    record = DecisionRecord.objects.get().record
    assert (record["given"], record["exchange"]) == ({}, {"currency": "JPY", "reason": "no_exchange_rate"})
    assert standing(customer) == ("member", 0)


def test_a_rate_counts_for_points_tiers_and_challenges_alike(scope: Tenant) -> None:
    publish(JPY="0.0067")
    customer = make_customer(created_at=LIVE)
    award(yen(customer, 6_000, 4_000, days=2), yen(customer, 4_000))
    assert (balance_of(customer), standing(customer)) == ((67 + 26, 0), ("gold", 6_700 + 2_680))
    lines = DecisionRecord.objects.earliest("occurred_at").record["lines"]["points"]
    assert lines == {"1": 40, "2": 27}


def test_a_return_takes_what_the_order_earned_whatever_rate_holds_now(scope: Tenant) -> None:
    publish(JPY="0.0067")
    customer = make_customer(created_at=LIVE)
    order = yen(customer, 10_000)
    award(order)
    publish(JPY="0.5")
    back = make_return(order, {1: 1}, NOW)
    earning.take_back_returns([back.pk], by=SYSTEM, at=NOW)
    assert balance_of(customer) == (34, 0)
    rest = make_return(order, {1: 1}, NOW)
    earning.take_back_returns([rest.pk], by=SYSTEM, at=NOW)
    assert balance_of(customer) == (0, 0)


def test_spend_before_is_exchanged_and_net_of_returns(scope: Tenant) -> None:
    publish(JPY="0.0067")
    customer = make_customer(created_at=LIVE)
    order = yen(customer, 10_000, days=3)
    make_order(customer, [("A", 1, 500)], NOW - 2 * DAY)
    make_return(order, {1: 1}, NOW - DAY)
    published = programs.published()
    assert published is not None
    later = make_order(customer, [("A", 1, 1)], NOW)
    case = simulations.of_order(order=later, revision=published)
    assert case.evaluation.decision.state.qualifying_spend_minor == 6_700 - 3_350 + 500


def test_what_the_database_exchanges_is_what_python_does(scope: Tenant) -> None:
    publish(JPY="0.00675", EUR="1.085")
    worth, customer = exchange.current(), make_customer()
    for number, (amount, currency) in enumerate([(1, "EUR"), (1_001, "EUR"), (999, "JPY"), (7, "GBP")]):
        order = make_order(customer, [("A", 1, amount)], NOW - number * DAY)
        Order.objects.filter(pk=order.pk).update(currency=currency)
        query = " ".join(
            ["SELECT", exchange.own_minor("o.total_minor"), "FROM crm_order o WHERE o.id = %(id)s"]
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(query, {"id": order.pk, **exchange.parameters(worth)})
            assert cursor.fetchone() == (worth.minor(amount, currency),)


def test_history_and_a_rehearsal_count_as_live_does(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish(JPY="0.0067")
        customer = make_customer(created_at=LIVE)
        orders = [yen(customer, 10_000, days=3), yen(customer, 5_000, days=2)]
        make_return(orders[0], {1: 1}, NOW - DAY)
    history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_args: None)
    with tenant_scope(tenant):
        assert balance_of(customer) == (67 - 33 + 33, 0)
        draft = program_services.save_draft(
            document={**DOCUMENT, "policies": {"exchange_rates": {"JPY": "0.0134"}}}, by=SYSTEM, at=NOW
        )
    result = rehearse(tenant, draft)
    assert result == 134 - 67 + 67


def rehearse(tenant: Tenant, draft: Any) -> int:
    with tenant_scope(tenant):
        engine = compiler().stored(draft)
    ledger = rehearsals.played(
        tenant=tenant, engine=engine, since=NOW - 5 * DAY, until=NOW, live=None,
        progress=lambda *_args: None,
    )  # fmt: skip
    return ledger.points.outstanding("points").available


def test_the_check_names_currencies_that_orders_come_in_and_no_rate_knows(
    scope: Tenant, other_tenant: Tenant
) -> None:
    publish()
    award(yen(make_customer(created_at=LIVE), 10_000), make_order(make_customer(), [("A", 1, 5)], NOW))

    def said(**rates: str) -> list[tuple[str, str, Any]]:
        document = {**DOCUMENT, "policies": {"exchange_rates": rates}}
        found = programs.findings_of(program_services.check(document))
        return [(each.code, each.pointer, each.parameters) for each in found if "rate" in each.pointer]

    assert said() == [("no_exchange_rate", "/policies/exchange_rates", {"currency": "JPY"})]
    assert said(JPY="0.0067") == []


def test_an_order_is_decided_where_a_rule_names_a_brand(scope: Tenant) -> None:
    rule = {
        **DOCUMENT["rules"][0],
        "when": {
            "all": [
                {
                    "basket": "units",
                    "op": "gte",
                    "value": 1,
                    "where": {"line": "brand", "op": "ne", "value": "X"},
                }
            ]
        },
    }
    draft = program_services.save_draft(document={**DOCUMENT, "rules": [rule]}, by=SYSTEM, at=LIVE)
    program_services.publish(revision=draft, by=SYSTEM, at=LIVE)
    customer = make_customer(created_at=LIVE)
    award(make_order(customer, [("A", 1, 500)], NOW))
    assert balance_of(customer) == (5, 0)

"""Rules that answer to returns: asked once a return, live, beside what the return takes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rewards.models import DecisionRecord, LedgerTransaction
from rewards.queries import documents
from rewards.services import earning, verification
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, make_customer, make_order, make_return
from tests.rewards.test_rules import publish

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BUY = {"effects": [{"type": "points", "wallet": "points", "points": 1, "per_minor": 100}]}
SORRY = {
    "trigger": "return",
    "effects": [{"type": "points", "wallet": "points", "points": 5}, {"type": "message", "message": "sorry"}],
    "caps": [{"per": "month", "times": 1}],
}
WHOLE = {
    "trigger": "return",
    "when": {"all": [{"property": "is_whole", "op": "eq", "value": True},
                     {"property": "units", "op": "lte", "value": 1}]},
    "effects": [{"type": "trait", "trait": "gave_all_back", "value": 1}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant has the same rules and a return that nobody decides."""
    with tenant_scope(other_tenant):
        publish(BUY, SORRY)
        make_return(make_order(make_customer(), [("A", 1, 900)]), {1: 1})
    with tenant_scope(tenant):
        yield
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
    with tenant_scope(other_tenant):
        assert not DecisionRecord.objects.exists()


def take_back(*returns: Any, at: Any = NOW) -> int:
    return earning.take_back_returns([each.pk for each in returns], by=SYSTEM, at=at)


def test_a_return_takes_back_and_its_rules_give_once() -> None:
    publish(BUY, SORRY, WHOLE)
    customer = make_customer()
    order = make_order(customer, [("A", 2, 2000)], NOW - DAY)
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    first = make_return(order, {1: 1})
    assert (take_back(first), take_back(first)) == (1, 0)
    # 20 for the order, 10 back, 5 for the trouble.
    assert balance_of(customer) == (15, 0)
    decision = DecisionRecord.objects.get(event_type="returned")
    assert (decision.event_id, decision.points, decision.record["source"]) == (first.pk, 5, first.external_id)
    assert [rule["matched"] for rule in decision.record["rules"]] == [True, False]
    messages = OutboxMessage.objects.filter(topic="rewards.message_triggered")
    assert [message.payload["trigger"] for message in messages] == ["sorry"]
    second = make_return(order, {1: 1}, NOW + timedelta(hours=1))
    take_back(second, at=NOW + timedelta(hours=1))
    # The month's apology is used up; now the whole order is back.
    assert balance_of(customer) == (5, 0)
    last = DecisionRecord.objects.get(event_type="returned", event_id=second.pk)
    assert [rule.get("effects", []) for rule in last.record["rules"]] == [[], ["trait:gave_all_back"]]
    assert last.record["rules"][0]["cap"]["kind"] == "times_per_month"


def test_the_facts_of_a_return_are_those_of_its_moment() -> None:
    customer = make_customer()
    order = make_order(customer, [("A", 2, 2000), ("B", 1, 700)], NOW - DAY)
    returns = [make_return(order, {1: 1}, NOW - DAY / 2), make_return(order, {1: 1, 2: 1}, NOW)]
    unknown = make_return(make_order(None, [("A", 1, 100)]), {1: 1})
    due = documents.due_returns([each.pk for each in (*returns, unknown)])
    assert [dict(item.event.properties) for item in due] == [
        {"order_id": order.external_id, "return_id": returns[0].external_id, "amount_minor": 1000,
         "units": 1, "is_whole": False},
        {"order_id": order.external_id, "return_id": returns[1].external_id, "amount_minor": 1700,
         "units": 2, "is_whole": True},
    ]  # fmt: skip
    assert {(item.customer_id, item.event.total_minor, tuple(item.event.lines)) for item in due} == {
        (customer.pk, 0, ())
    }


def test_without_such_rules_returns_leave_no_second_record() -> None:
    publish(BUY)
    order = make_order(make_customer(), [("A", 1, 1000)], NOW - DAY)
    take_back(make_return(order, {1: 1}))
    assert set(DecisionRecord.objects.values_list("event_type", flat=True)) == {"order", "return"}


def test_a_return_is_judged_by_the_revision_of_its_moment() -> None:
    publish(BUY, SORRY)
    publish(BUY, at=NOW - 2 * DAY)
    customer = make_customer()
    order = make_order(customer, [("A", 3, 3000)], NOW - 9 * DAY)
    take_back(make_return(order, {1: 1}, NOW - 5 * DAY), make_return(order, {1: 1}, NOW - DAY))
    assert balance_of(customer) == (15, 0)
    assert LedgerTransaction.objects.filter(source_type="returned").count() == 1

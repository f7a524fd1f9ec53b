"""Rules that answer to returns: asked once a return, live, beside what the return takes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rewards.models import DecisionRecord, LedgerTransaction
from rewards.queries import documents
from rewards.services import earning, history, verification
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, lots_of, make_customer, make_order, make_return
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


UNCAPPED = {"trigger": "return", "effects": [{"type": "points", "wallet": "points", "points": 5}]}
GOLD = {
    "trigger": "return",
    "when": {"member": "tier", "op": "eq", "value": "gold"},
    "effects": [{"type": "points", "wallet": "points", "points": 100}],
}


def told() -> tuple[Any, list[tuple[str, int]]]:
    """A member's orders and returns in time order; after the first return the member is gold no more."""
    customer = make_customer()
    first = make_order(customer, [("A", 2, 6000)], NOW - 40 * DAY)
    documents_of = [
        ("order", first.pk),
        ("return", make_return(first, {1: 1}, NOW - 30 * DAY).pk),
        ("order", make_order(customer, [("B", 1, 700)], NOW - 20 * DAY).pk),
        ("return", make_return(first, {1: 1}, NOW - 19 * DAY).pk),
        ("order", make_order(customer, [("B", 3, 900)], NOW - DAY).pk),
    ]
    return customer, documents_of


def decided(customer: Any) -> list[tuple[Any, ...]]:
    rows = DecisionRecord.objects.filter(customer=customer).order_by("occurred_at", "event_type")
    return list(rows.values_list("event_type", "points", "record__tier", "record__orders_before"))


@pytest.mark.parametrize("rules", [(BUY, SORRY, GOLD), (BUY, UNCAPPED, GOLD)])
def test_history_asks_the_rules_of_returns_as_live_does(
    rules: Any, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(*rules)
    customer, happened = told()
    for kind, number in happened:
        if kind == "order":
            earning.award_orders([number], by=SYSTEM, at=NOW)
        else:
            earning.take_back_returns([number], by=SYSTEM, at=NOW)
    live = decided(customer)
    assert live[:4] == [
        ("order", 60, "base", 0), ("return", -30, None, None), ("returned", 105, "gold", 1),
        ("order", 7, "base", 1),
    ]  # fmt: skip
    replayed, happened = told()
    monkeypatch.setattr(history, "BATCH", 2)
    report = history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None)
    assert (report.orders, report.returns) == (3, 2)
    assert decided(replayed) == live
    assert lots_of(replayed) == lots_of(customer)
    # What live has decided is not asked again, nor what history has.
    assert history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None).returns == 0
    assert (decided(customer), decided(replayed)) == (live, live)


def test_history_asks_nobody_about_returns_that_were_decided_before(tenant: Tenant) -> None:
    publish(BUY)
    customer = make_customer()
    order = make_order(customer, [("A", 2, 2000)], NOW - 9 * DAY)
    take_back(make_return(order, {1: 1}, NOW - 5 * DAY))
    publish(BUY, UNCAPPED)
    make_order(customer, [("A", 1, 100)], NOW - 8 * DAY)
    make_return(order, {1: 1}, NOW - 4 * DAY)
    history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None)
    assert DecisionRecord.objects.filter(event_type="returned").count() == 1
    assert balance_of(customer) == (6, 0)

"""Rules on the real database: events, member days, budgets, revisions of the time, and rehearsals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from crm.models import ComputedTrait, Event, Person
from crm.services import partitions
from rewards.models import BudgetUsage, DecisionRecord, LedgerTransaction, Rehearsal
from rewards.services import earning, member_days, programs, rehearsals
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, make_customer, make_order, make_return

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
POINTS = {"type": "points", "wallet": "points"}


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant has customers and orders that nobody decides."""
    with tenant_scope(other_tenant):
        make_order(make_customer(member_since=NOW), [("A", 1, 1000)])
    with tenant_scope(tenant):
        yield


def publish(*rules: dict[str, Any], at: Any = NOW - 900 * DAY, **sections: Any) -> Any:
    numbered = [
        {"key": f"r{number}", "name": f"R{number}", "priority": number, **rule}
        for number, rule in enumerate(rules)
    ]
    document = {
        "wallets": [{"key": "points", "name": "Points", "thousand_points_minor": 1000}],
        "tiers": [
            {"key": "base", "name": "Base", "threshold_minor": 0},
            {"key": "gold", "name": "Gold", "threshold_minor": 5000},
        ],
        "rules": numbered,
        **sections,
    }
    draft = programs.save_draft(document=document, by=SYSTEM, at=at)
    return programs.publish(revision=draft, by=SYSTEM, at=at)


def record_event(customer: Any, message_id: str, **properties: Any) -> dict[str, Any]:
    partitions.ensure(first=NOW.date(), last=NOW.date())
    Event.objects.create(
        message_id=message_id, occurred_at=NOW, received_at=NOW, name="review", customer=customer,
        properties=properties,
    )  # fmt: skip
    return {"message_ids": [message_id], "first_at": NOW, "last_at": NOW}


def test_an_event_gives_points_a_trait_and_a_message_once() -> None:
    effects = [
        {**POINTS, "points": 20},
        {"type": "trait", "trait": "reviewer", "value": 1},
        {"type": "message", "message": "thanks"},
    ]
    rule = {"trigger": "event", "event": "review", "effects": effects, "caps": [{"per": "day", "times": 1}],
            "when": {"property": "stars", "op": "gte", "value": 4}}  # fmt: skip
    publish(rule)
    customer = make_customer()
    batch = record_event(customer, "m1", stars=5)
    assert earning.award_events(**batch, by=SYSTEM, at=NOW) == 1
    assert earning.award_events(**batch, by=SYSTEM, at=NOW) == 0
    assert earning.award_events(**record_event(customer, "m2", stars=5), by=SYSTEM, at=NOW) == 1
    assert earning.award_events(**record_event(customer, "m3", stars=3), by=SYSTEM, at=NOW) == 1
    assert balance_of(customer) == (20, 0)
    assert ComputedTrait.objects.get(customer=customer, name="reviewer").number == 1
    message = OutboxMessage.objects.get(topic="rewards.message_triggered")
    assert [each["customer_id"] for each in message.payload["customers"]] == [customer.pk]
    records = [row.record["rules"][0] for row in DecisionRecord.objects.order_by("id")]
    assert records[0]["effects"] == ["trait:reviewer", "message:thanks"]
    assert records[1]["cap"] == {"kind": "times_per_day", "limit": 1, "asked": 20, "given": 0}
    assert records[2]["failed"][0]["missing"] == 1
    assert DecisionRecord.objects.order_by("id").first().record["source"] == "m1"


@pytest.mark.parametrize("amount", [10**400, -(10**400), 1e308, 10**13])
def test_an_absurd_number_of_one_client_stops_nobody_else(amount: Any) -> None:
    """Pain: one event that could not be stored kept the whole batch from earning, at every retry."""
    review = {"trigger": "event", "event": "review"}
    per_star = [{**POINTS, "points": 100, "per_property": "stars"}]
    few = {"property": "stars", "op": "lte", "value": 5.5}
    publish({**review, "effects": per_star}, {**review, "effects": per_star, "when": few})
    absurd, sane = make_customer(), make_customer()
    for customer, message_id, stars in ((absurd, "m-1", amount), (sane, "m-2", 4.5)):
        record_event(customer, message_id, stars=stars)
    batch = {"message_ids": ["m-1", "m-2"], "first_at": NOW, "last_at": NOW}
    assert earning.award_events(**batch, by=SYSTEM, at=NOW) == 2
    assert balance_of(sane) == (900, 0)
    assert not LedgerTransaction.objects.filter(account__customer=absurd).exists()
    outcomes = DecisionRecord.objects.get(customer=absurd).record["rules"]
    assert [rule["points"] for rule in outcomes] == [0, 0]


def test_member_days_are_paid_once_a_year_on_the_local_day() -> None:
    gift = {"effects": [{**POINTS, "points": 50}]}
    days = ("birthday", "anniversary", "enrolment")
    publish(*({"trigger": day, **gift} for day in days))
    today = NOW.date()
    born, joined, new = (make_customer(member_since=since) for since in (None, NOW - 730 * DAY, NOW))
    Person.objects.create(customer=born, birth_on=date(1990, today.month, today.day))
    Person.objects.create(customer=joined, birth_on=date(1990, today.month, 1))
    assert member_days.award(by=SYSTEM, at=NOW) == 3
    assert member_days.award(by=SYSTEM, at=NOW) == 0
    assert [balance_of(customer) for customer in (born, joined, new)] == [(50, 0)] * 3
    rows = DecisionRecord.objects.order_by("event_type").values_list("event_type", flat=True)
    assert list(rows) == sorted(days)
    # A year later the new member has an anniversary too, and nobody joins.
    assert member_days.award(by=SYSTEM, at=NOW + 365 * DAY) == 3


def test_a_budget_is_shared_by_everybody_and_starts_again_with_its_period() -> None:
    publish(
        {"effects": [{**POINTS, "points": 60}], "budget": "b"},
        budgets=[{"key": "b", "name": "B", "period": "day", "points": 100}],
    )
    customers = [make_customer() for _ in range(3)]
    orders = [make_order(customer, [("A", 1, 100)]) for customer in customers]
    earning.award_orders([order.pk for order in orders], by=SYSTEM, at=NOW)
    assert [balance_of(customer) for customer in customers[:2]] == [(60, 0), (40, 0)]
    last = DecisionRecord.objects.get(customer=customers[2])
    assert last.record["rules"][0]["cap"] == {
        "kind": "budget", "limit": 100, "asked": 60, "given": 0, "budget": "b",
    }  # fmt: skip
    assert (last.points, BudgetUsage.objects.get().points) == (0, 100)
    tomorrow = make_order(customers[2], [("A", 1, 100)], NOW + DAY)
    earning.award_orders([tomorrow.pk], by=SYSTEM, at=NOW + DAY)
    assert balance_of(customers[2]) == (60, 0)


def test_a_late_order_is_judged_by_the_revision_of_its_day_within_the_window() -> None:
    first = publish({"effects": [{**POINTS, "points": 1}]}, at=NOW - 20 * DAY)
    publish({"effects": [{**POINTS, "points": 2}]}, at=NOW - 5 * DAY, policies={"backdating_days": 10})
    customer = make_customer()
    ages = (0, 6, 11)
    orders = [make_order(customer, [("A", 1, 100)], NOW - days * DAY) for days in ages]
    assert earning.award_orders([order.pk for order in orders], by=SYSTEM, at=NOW) == 3
    points = dict(DecisionRecord.objects.values_list("event_id", "points"))
    assert [points[order.pk] for order in orders] == [2, 1, 0]
    assert DecisionRecord.objects.get(event_id=orders[2].pk).record["refused"] == "too_old"
    assert LedgerTransaction.objects.get(points=1).revision_id == first.pk


def rules() -> list[dict[str, Any]]:
    return [
        {"effects": [{**POINTS, "points": 1, "per_minor": 100, "tier_percent": {"gold": 200}}]},
        {"when": {"order": "number", "op": "eq", "value": 1}, "effects": [{**POINTS, "points": 50}]},
        {"effects": [{**POINTS, "points": 9}], "caps": [{"per": "month", "points": 15}], "budget": "b"},
    ]


def play_history() -> tuple[Any, Any]:
    """Orders over forty days, one partly returned; decided live, in time order."""
    customers = [make_customer(), make_customer()]
    for day in range(40, 0, -4):
        for customer in customers:
            order = make_order(customer, [("A", 2, 1000), ("B", 1, 333)], NOW - day * DAY)
            earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    returned = make_return(order, {1: 1}, NOW - DAY / 2)
    earning.take_back_returns([returned.pk], by=SYSTEM, at=NOW)
    return customers[0], customers[1]


def test_rehearsing_what_is_in_force_gives_exactly_what_was_posted(tenant: Tenant) -> None:
    budget = [{"key": "b", "name": "B", "period": "week", "points": 25}]
    published = publish(*rules(), budgets=budget)
    play_history()
    same = programs.save_draft(document=published.document, by=SYSTEM, at=NOW)
    options = {"tenant": tenant, "number": same.number, "by": SYSTEM, "label": "me", "at": NOW}
    for days in (60, 21):
        rehearsals.rehearse(days=days, progress=lambda *_: None, **options)
        result = Rehearsal.objects.latest("id").result
        assert result["points"] == result["actual"]
        assert result["liability_change_points"] == 0
        assert result["members"]["winners"] == result["members"]["losers"] == 0
        assert result["conflicts"] == result["tiers"] == result["overlaps"] == []
        assert result["liability_change_minor"] == 0
        assert all(rule["points"] == rule["actual_points"] for rule in result["rules"])
    same.refresh_from_db()
    assert same.state == "rehearsed"


def test_a_rehearsal_names_winners_costs_and_tier_moves(tenant: Tenant) -> None:
    published = publish(*rules()[:2])
    play_history()
    document = {**published.document, "tiers": [{"key": "base", "name": "Base", "threshold_minor": 0}]}
    document["rules"] = [{**rules()[0], "key": "r0", "name": "R", "effects": [{**POINTS, "points": 100}]}]
    draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
    rehearsals.rehearse(
        tenant=tenant, number=draft.number, days=41, by=SYSTEM, label="me", at=NOW, progress=lambda *_: None
    )
    result = Rehearsal.objects.get().result
    assert result["events"] == 20
    assert result["points"] == {"given": 2000, "taken": 37}
    assert result["cost_minor"] == 1963
    assert result["members"]["winners"] == 2
    assert result["tiers"] == [{"from": "gold", "to": "base", "members": 2}]
    given, taken = result["actual"]["given"], result["actual"]["taken"]
    assert result["liability_change_minor"] == 1963 - (given - taken)
    (wallet,) = result["wallets"]
    assert (wallet["points"], wallet["actual_points"]) == (1963, given - taken)
    assert (wallet["given"], wallet["asked_back"], wallet["taken"], wallet["expired"]) == (2000, 37, 37, 0)
    assert (wallet["pending"], wallet["available"], wallet["debt"]) == (0, 1963, 0)
    assert wallet["liability_change_points"] == result["liability_change_points"] == 1963 - given + taken
    assert [row["rule"] for row in result["conflicts"]] == ["r0", "r1"]
    assert result["conflicts"][1] == {"rule": "r1", "name": "R1", "points": 0, "actual_points": 100}
    assert {row["rule"]: row["is_gone"] for row in result["rules"]} == {"r0": False, "r1": True}


def rehearsed(tenant: Tenant, document: dict[str, Any], days: int) -> Any:
    draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
    rehearsals.rehearse(
        tenant=tenant, number=draft.number, days=days, by=SYSTEM, label="me", at=NOW, progress=lambda *_: None
    )
    return Rehearsal.objects.latest("id").result


def test_member_days_are_rehearsed_on_their_local_day(tenant: Tenant) -> None:
    gift = {"effects": [{**POINTS, "points": 50}]}
    published = publish(*({"trigger": day, **gift} for day in ("birthday", "anniversary", "enrolment")))
    today = NOW.date()
    born, late = make_customer(), make_customer()
    Person.objects.create(customer=born, birth_on=date(1990, today.month, today.day))
    Person.objects.create(customer=late, birth_on=date(1990, today.month, today.day) + DAY)
    make_customer(member_since=NOW - 730 * DAY)
    make_customer(member_since=NOW - DAY)
    make_customer(state="suspended", member_since=NOW - DAY)
    assert member_days.award(by=SYSTEM, at=NOW - 60 * timedelta(seconds=1)) == 3
    result = rehearsed(tenant, published.document, days=2)
    assert result["events"] == 3
    assert result["points"] == result["actual"] == {"given": 150, "taken": 0}
    assert result["members"]["unchanged"] == 3
    # A year: the other birthday too; the anniversary before lies a few hours outside.
    year = rehearsed(tenant, published.document, days=365)
    assert {row["rule"]: row["times"] for row in year["rules"]} == {"r0": 2, "r1": 1, "r2": 1}


def test_a_new_rule_that_pays_for_the_same_orders_as_a_live_one_is_named(tenant: Tenant) -> None:
    published = publish(*rules()[:1])
    play_history()
    extra = {"key": "extra", "name": "Extra", "priority": 9, "effects": [{**POINTS, "points": 5}]}
    document = {**published.document, "rules": [*published.document["rules"], extra]}
    result = rehearsed(tenant, document, days=60)
    assert result["overlaps"] == [
        {"rule": "extra", "name": "Extra", "with": "r0", "with_name": "R0", "events": 20}
    ]
    assert result["conflicts"] == []


def test_rules_that_answer_to_returns_are_rehearsed(tenant: Tenant) -> None:
    sorry = {"trigger": "return", "effects": [{**POINTS, "points": 5}],
             "when": {"property": "is_whole", "op": "eq", "value": False}}  # fmt: skip
    published = publish(rules()[0], sorry)
    play_history()
    result = rehearsed(tenant, published.document, days=60)
    assert result["events"] == 20 + 1
    assert {row["rule"]: row["points"] for row in result["rules"]}["r1"] == 5
    assert result["points"] == result["actual"]
    assert result["conflicts"] == []
    assert result["members"]["winners"] == result["members"]["losers"] == 0

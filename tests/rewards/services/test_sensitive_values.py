"""What is called sensitive earns no points and opens no coupon."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer, Event, EventSchema, PropertySchema
from crm.services import partitions
from rewards.domain.rules import Trigger
from rewards.models import (
    ChallengeContribution,
    CouponDefinition,
    DecisionRecord,
    ProgramRevision,
    Rehearsal,
    RevisionState,
)
from rewards.queries.programs import published
from rewards.services import challenges, earning, programs, rehearsals, simulations
from rewards.services.coupons import definitions
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.coupons.errors import CouponsRejected
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.rewards.coupons import reasons, redeem
from tests.rewards.factories import make_order

pytestmark = pytest.mark.django_db
LONG_AGO = NOW - timedelta(days=60)
DOCUMENT: dict[str, Any] = {
    "wallets": [{"key": "points", "name": "Points"}],
    "rules": [
        {
            "key": "visit", "name": "Visit", "trigger": "event", "event": "visited",
            "when": {"property": "topic", "op": "eq", "value": "knee"},
            "effects": [{"type": "points", "wallet": "points", "points": 1}],
        }
    ],
}  # fmt: skip
RULE = {"attribute": "size", "op": "eq", "value": "L"}


def classify(name: str, key: str) -> None:
    schema, _created = EventSchema.objects.get_or_create(
        name=name, defaults={"first_seen_at": NOW, "last_seen_at": NOW}
    )
    PropertySchema.objects.create(
        schema=schema, key=key, sensitivity="health", first_seen_at=NOW, last_seen_at=NOW
    )


def refused(work: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        work()
    return [(each.pointer, each.code) for each in caught.value.errors]


def test_no_program_that_reads_it_is_published(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant):
        classify("visited", "topic")
        draft = programs.save_draft(document=DOCUMENT, by=SYSTEM, at=NOW)
        assert refused(lambda: programs.publish(revision=draft, by=SYSTEM, at=NOW)) == [
            ("/document/rules/0", "sensitive_value")
        ]
    with tenant_scope(other_tenant):
        draft = programs.save_draft(document=DOCUMENT, by=SYSTEM, at=NOW)
        assert programs.publish(revision=draft, by=SYSTEM, at=NOW).state == RevisionState.PUBLISHED


def test_no_coupon_gets_a_rule_on_it_and_an_older_one_can_be_ended(tenant: Tenant) -> None:
    terms = DefinitionTerms(
        name="Large", kind="percent", percent_hundredths=1000, rule=RULE, uses_per_code=None
    )
    with tenant_scope(tenant):
        old = definitions.save(key="old", terms=terms, generic_code="LARGE", by=SYSTEM, at=NOW)
        redeem("LARGE", customer=factories.customer("c1", attributes={"size": "L"}))
        classify("identified", "size")
        # The rule finds the value missing from now on.
        with pytest.raises(CouponsRejected) as caught:
            redeem("LARGE", customer=factories.customer("c2", attributes={"size": "L"}))
        assert reasons(caught) == [("LARGE", "customer_rule")]
        assert refused(lambda: definitions.save(key="new", terms=terms, by=SYSTEM, at=NOW)) == [
            ("/rule", "sensitive_value")
        ]
        other = replace(terms, rule={"all": [RULE]})
        assert refused(lambda: definitions.save(key="old", terms=other, by=SYSTEM, at=NOW)) == [
            ("/rule", "sensitive_value")
        ]
        assert not definitions.switch_off(definition=old, by=SYSTEM, at=NOW).is_active
        assert list(CouponDefinition.objects.values_list("key", flat=True)) == ["old"]


def put_in_force() -> None:
    """A program whose rules and challenge read an event's topic and the member's size."""
    visit = DOCUMENT["rules"][0]
    sized = {"key": "sized", "name": "Sized", "when": RULE, "effects": visit["effects"]}
    goal = {"kind": "distinct", "match": {"event": "visited"}, "of": "topic", "target": 9}
    reward = {"kind": "points", "wallet": "points", "points": 1}
    challenge = {"key": "topics", "name": "Topics", "goal": goal, "rewards": [reward]}
    document = {**DOCUMENT, "rules": [visit, sized], "challenges": [challenge]}
    draft = programs.save_draft(document=document, by=SYSTEM, at=LONG_AGO)
    programs.publish(revision=draft, by=SYSTEM, at=LONG_AGO)


def visit(customer: Customer, number: int) -> dict[str, Any]:
    """Let a visit about a topic of its own happen; return how it is told."""
    partitions.ensure(first=NOW.date(), last=NOW.date())
    Event.objects.create(
        message_id=f"m{number}", occurred_at=NOW, received_at=NOW, name="visited", customer=customer,
        properties={"topic": "knee", "number": number},
    )  # fmt: skip
    return {"message_ids": [f"m{number}"], "first_at": NOW, "last_at": NOW, "by": SYSTEM, "at": NOW}


def simulated(customer: Customer) -> int:
    in_force = published()
    assert in_force is not None
    case = simulations.of_event(
        customer=customer, trigger=Trigger.EVENT, name="visited", properties={"topic": "knee"}, at=NOW,
        revision=in_force,
    )  # fmt: skip
    return case.evaluation.points


def last_rule() -> dict[str, Any]:
    rule: dict[str, Any] = DecisionRecord.objects.latest("id").record["rules"][0]
    return rule


def test_a_program_in_force_stops_reading_it_at_once(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            put_in_force()
    with tenant_scope(tenant):
        customer = factories.customer("c1", attributes={"size": "L"})
        first = visit(customer, 1)
        earning.award_events(**first)
        assert (last_rule()["points"], simulated(customer)) == (1, 1)
        challenges.record_events(**first)
        classify("visited", "topic")
        second = visit(customer, 2)
        earning.award_events(**second)
        assert last_rule() == {
            "rule": "visit", "matched": False, "points": 0, "hidden": {"sensitive": ["property.topic"]},
            "failed": [{"field": "property.topic", "op": "eq", "expected": "knee", "actual": None,
                        "missing": None}],
        }  # fmt: skip
        assert simulated(customer) == 0
        challenges.record_events(**second)
        assert list(ChallengeContribution.objects.values_list("source_id", "value")) == [("m1", "knee")]
        order = make_order(customer, [("A", 1, 100)])
        earning.award_orders([order.pk], by=SYSTEM, at=NOW)
        assert last_rule() == {"rule": "sized", "matched": True, "points": 1}
        classify("identified", "size")
        later = make_order(customer, [("A", 1, 100)])
        earning.award_orders([later.pk], by=SYSTEM, at=NOW)
        assert (last_rule()["matched"], last_rule()["hidden"]) == (False, {"sensitive": ["attribute.size"]})
    # The same document, for whom nothing is sensitive.
    with tenant_scope(other_tenant):
        other = factories.customer("c1", attributes={"size": "L"})
        earning.award_events(**visit(other, 1))
        assert (last_rule()["points"], simulated(other)) == (1, 1)


def test_a_rehearsal_reads_none_of_it(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            put_in_force()
            customer = factories.customer("c1", attributes={"size": "L"})
            visit(customer, 1)
            make_order(customer, [("A", 1, 100)], NOW - timedelta(days=1))
    with tenant_scope(tenant):
        classify("visited", "topic")
        classify("identified", "size")
    for each, points in ((tenant, 0), (other_tenant, 2)):
        with tenant_scope(each):
            number = programs.save_draft(document=ProgramRevision.objects.get().document, by=SYSTEM, at=NOW)
        rehearsals.rehearse(
            tenant=each, number=number.number, days=30, by=SYSTEM, label="me", at=NOW + timedelta(days=1),
            progress=lambda *_: None,
        )  # fmt: skip
        with tenant_scope(each):
            assert Rehearsal.objects.get().result["points"]["given"] == points

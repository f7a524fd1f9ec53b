"""What a customer takes back, such as a guardian's consent, holds for challenges that pause at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Customer, Segment, SegmentMember
from crm.services import consents, customers, segment_refresh, segments
from rewards.models import LedgerTransaction
from rewards.queries import challenges as challenge_queries
from rewards.services import challenges
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.conftest import NOW
from tests.rewards.challenge_worlds import ORDERS, challenge, count_orders, happen, progress_of, publish
from tests.rewards.factories import balance_of, make_customer, make_order

DAY = timedelta(days=1)
LINES = [("DAIRY", 2, 1000)]
BY_ATTRIBUTE = {"any": [{"attribute": "is_minor", "op": "eq", "value": False},
                        {"attribute": "guardian_consent", "op": "eq", "value": True}]}  # fmt: skip
BY_CONSENT = {"consent": "profiling", "op": "eq", "value": "granted"}


@pytest.fixture
def ann(scope: Tenant) -> Customer:
    """A minor, whose guardian allows it."""
    ann: Customer = make_customer(attributes={"is_minor": True}, member_since=NOW - 30 * DAY)
    return ann


def audience(rule: dict[str, Any], leaving: str = "pause") -> dict[str, str]:
    segments.create(key="allowed", name="Allowed", kind="rule", rule=rule, by=SYSTEM, at=NOW)
    return {"segment": "allowed", "leaving": leaving}


def allow(customer: Customer, *, by: dict[str, Any], is_granted: bool, minutes: int = 0) -> None:
    at = NOW + timedelta(minutes=minutes)
    if by is BY_CONSENT:
        change = consents.NewConsent(customer.pk, "profiling", is_granted, at)
        consents.record(changes=[change], by=SYSTEM, at=at)
    else:
        change_of = customers.CustomerChange(attributes={"guardian_consent": is_granted})
        customers.update(customer=customer, change=change_of, by=SYSTEM, at=at)


def order(customer: Customer, days: int) -> None:
    count_orders(make_order(customer, LINES, NOW - DAY * days).pk)


@pytest.mark.parametrize("rule", [BY_ATTRIBUTE, BY_CONSENT], ids=["attribute", "consent"])
def test_nothing_counts_or_is_paid_from_the_withdrawal_on(ann: Customer, rule: dict[str, Any]) -> None:
    allow(ann, by=rule, is_granted=True)
    publish(challenge({**ORDERS, "target": 3}, audience=audience(rule)))
    order(ann, 5)
    order(ann, 4)
    allow(ann, by=rule, is_granted=False, minutes=1)
    # No segment has been refreshed since: the member's row stands.
    assert SegmentMember.objects.filter(customer=ann).exists()
    order(ann, 3)
    assert progress_of(ann) == [("1", "in_progress", 2)]
    (status,) = challenge_queries.of_customer(ann, at=NOW + DAY)
    assert status.is_paused

    # A lower goal is reached, yet not paid before it is allowed again.
    publish(challenge({**ORDERS, "target": 2}, audience={"segment": "allowed", "leaving": "pause"}), at=NOW)
    challenges.recount(customer_ids=[ann.pk], by=SYSTEM, at=NOW + DAY)
    challenges.sweep(by=SYSTEM, at=NOW + DAY)
    assert not LedgerTransaction.objects.exists()
    allow(ann, by=rule, is_granted=True, minutes=2)
    challenges.sweep(by=SYSTEM, at=NOW + DAY)
    assert (progress_of(ann), balance_of(ann)) == ([("1", "rewarded", 2)], (100, 0))


def test_events_do_not_count_either(ann: Customer) -> None:
    customers.add_identity(customer=ann, kind="external_id", value=str(ann), at=NOW)
    allow(ann, by=BY_ATTRIBUTE, is_granted=True)
    goal = {"kind": "count", "match": {"event": "lesson"}, "target": 5}
    publish(challenge(goal, audience=audience(BY_ATTRIBUTE)))
    happen(ann, "lesson", NOW - DAY)
    allow(ann, by=BY_ATTRIBUTE, is_granted=False)
    happen(ann, "lesson", NOW - DAY / 2)
    assert progress_of(ann) == [("1", "in_progress", 1)]


def test_who_never_began_does_not_begin(ann: Customer) -> None:
    allow(ann, by=BY_ATTRIBUTE, is_granted=True)
    publish(challenge(ORDERS, audience=audience(BY_ATTRIBUTE)))
    allow(ann, by=BY_ATTRIBUTE, is_granted=False)
    order(ann, 3)
    assert progress_of(ann) == []


def test_who_may_go_on_after_leaving_does(ann: Customer) -> None:
    allow(ann, by=BY_ATTRIBUTE, is_granted=True)
    publish(challenge(ORDERS, audience=audience(BY_ATTRIBUTE, leaving="go_on")))
    order(ann, 5)
    allow(ann, by=BY_ATTRIBUTE, is_granted=False)
    order(ann, 4)
    assert progress_of(ann) == [("1", "rewarded", 2)]


def test_who_comes_back_begins_with_the_next_refresh(ann: Customer) -> None:
    publish(challenge(ORDERS, audience=audience(BY_ATTRIBUTE)))
    allow(ann, by=BY_ATTRIBUTE, is_granted=True)
    order(ann, 5)
    assert progress_of(ann) == []
    segment_refresh.refresh(segment=Segment.objects.get(), at=NOW, customer_ids=[ann.pk])
    order(ann, 4)
    assert progress_of(ann) == [("1", "in_progress", 1)]


def test_a_rule_that_cannot_be_read_leaves_the_members_of_the_last_refresh(ann: Customer) -> None:
    allow(ann, by=BY_ATTRIBUTE, is_granted=True)
    publish(challenge(ORDERS, audience=audience(BY_ATTRIBUTE)))
    Segment.objects.update(rule={"nonsense": 1})
    order(ann, 5)
    assert progress_of(ann) == [("1", "in_progress", 1)]


def test_it_costs_as_many_questions_for_many_customers(ann: Customer) -> None:
    others = [make_customer(attributes={"is_minor": False}) for _ in range(4)]
    allow(ann, by=BY_ATTRIBUTE, is_granted=True)
    publish(challenge(ORDERS, audience=audience(BY_ATTRIBUTE)))

    def questions(*people: Customer) -> int:
        orders = [make_order(each, LINES, NOW - DAY).pk for each in people]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            count_orders(*orders)
        return len(captured)

    # The program is read once a process, whoever is first.
    questions(make_customer(attributes={"is_minor": False}))
    assert questions(ann) == questions(*others)

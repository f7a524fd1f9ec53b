from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.models import Customer, Identity, Segment, SegmentMember
from rewards.locks import lock_accounts
from rewards.models import (
    Account,
    ChallengeContribution,
    ChallengeParticipation,
    ChallengeProgress,
    CouponCode,
    CouponKind,
    LedgerTransaction,
)
from rewards.queries import challenges as challenge_queries
from rewards.queries import programs
from rewards.services import challenges, verification
from rewards.services.coupons import definitions
from rewards.services.coupons.definition_terms import DefinitionTerms
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.rewards.challenge_worlds import (
    LESSONS,
    LIVE,
    ORDERS,
    challenge,
    count_orders,
    happen,
    progress_of,
    publish,
)
from tests.rewards.factories import balance_of, make_customer, make_order, make_return

DAY = timedelta(days=1)
LINES = [("DAIRY", 2, 1000)]


@pytest.fixture
def ann(scope: Tenant) -> Customer:
    return _member()


def _member(**fields: Any) -> Customer:
    customer = make_customer(created_at=LIVE, **fields)
    Identity.objects.create(customer=customer, kind="external_id", value=str(customer), created_at=NOW)
    return customer


def test_orders_complete_a_challenge_and_its_points_are_posted_once(ann: Customer) -> None:
    publish(challenge(ORDERS))
    orders = [make_order(ann, LINES, NOW - DAY * day).pk for day in (2, 1)]
    count_orders(orders[0])
    assert progress_of(ann) == [("1", "in_progress", 1)]
    count_orders(*orders)
    count_orders(*orders)
    assert progress_of(ann) == [("1", "rewarded", 2)]
    assert balance_of(ann) == (100, 0)
    row = ChallengeProgress.objects.get()
    assert (row.completed_at, row.rewarded_at, row.target) == (NOW - DAY, NOW, 2)
    assert row.grants == [
        {"slot": "goal", "kind": "points", "key": "points", "points": 100, "source": f"c:{ann.pk}:1:0:goal:0"}
    ]
    topics = OutboxMessage.objects.filter(topic="rewards.challenges_completed").values_list(
        "payload", flat=True
    )
    assert [each["completions"] for each in topics] == [
        [{"customer_id": ann.pk, "challenge": "c", "period": "1"}]
    ]


def test_events_of_a_name_count_once_however_often_they_are_told(ann: Customer) -> None:
    publish(challenge(LESSONS))
    happen(ann, "lesson", NOW - DAY)
    happen(ann, "lesson", NOW - DAY)
    happen(ann, "other", NOW - DAY, prefix="x")
    assert progress_of(ann) == [("1", "in_progress", 1)]
    happen(ann, "lesson", NOW - DAY * 3)
    assert progress_of(ann) == [("1", "rewarded", 2)]


def test_a_return_takes_progress_and_reward_back_and_buying_again_gives_them_again(ann: Customer) -> None:
    publish(challenge(ORDERS, milestones=[{"at": 1, "rewards": [{"wallet": "points", "points": 5}]}]))
    orders = [make_order(ann, LINES, NOW - DAY * day) for day in (3, 2)]
    count_orders(*(order.pk for order in orders))
    assert balance_of(ann) == (105, 0)
    back = make_return(orders[1], {1: 2})
    challenges.record_returns([back.pk], by=SYSTEM, at=NOW)
    challenges.record_returns([back.pk], by=SYSTEM, at=NOW)
    assert progress_of(ann) == [("1", "in_progress", 1)]
    assert balance_of(ann) == (5, 0)
    count_orders(make_order(ann, LINES, NOW - DAY).pk)
    assert progress_of(ann) == [("1", "rewarded", 2)]
    assert balance_of(ann) == (105, 0)
    assert verification.verify_ledger(by=SYSTEM, at=NOW).is_sound


def test_a_coupon_is_given_once_and_voided_when_the_order_comes_back(ann: Customer) -> None:
    terms = DefinitionTerms(name="Ten off", kind=CouponKind.PERCENT, percent_hundredths=1000)
    definitions.save(key="ten-off", terms=terms, by=SYSTEM, at=LIVE)
    publish(challenge({**ORDERS, "target": 1}, rewards=[{"kind": "coupon", "coupon": "ten-off"}]))
    order = make_order(ann, LINES, NOW - DAY)
    count_orders(order.pk)
    count_orders(order.pk)
    assert list(CouponCode.objects.values_list("customer", "state")) == [(ann.pk, "assigned")]
    challenges.record_returns([make_return(order, {1: 2}).pk], by=SYSTEM, at=NOW)
    assert CouponCode.objects.get().state == "void"


def test_a_coupon_that_cannot_be_had_is_given_later(ann: Customer) -> None:
    terms = DefinitionTerms(name="Ten off", kind=CouponKind.PERCENT, percent_hundredths=1000)
    definitions.save(key="ten-off", terms=replace(terms, is_active=False), by=SYSTEM, at=LIVE)
    publish(challenge({**ORDERS, "target": 1}, rewards=[{"kind": "coupon", "coupon": "ten-off"}]))
    count_orders(make_order(ann, LINES, NOW - DAY).pk)
    assert progress_of(ann) == [("1", "completed", 1)]
    definitions.save(key="ten-off", terms=terms, by=SYSTEM, at=NOW)
    challenges.sweep(by=SYSTEM, at=NOW)
    assert progress_of(ann) == [("1", "rewarded", 1)]


def test_a_partial_return_lowers_a_sum_by_what_was_refunded(ann: Customer) -> None:
    goal = {"kind": "sum", "match": {"categories": ["DAIRY"]}, "of": "amount_minor", "target": 5000}
    publish(challenge(goal))
    order = make_order(ann, [("DAIRY", 4, 4000), ("DELI", 1, 900)], NOW - DAY)
    count_orders(order.pk)
    assert progress_of(ann) == [("1", "in_progress", 4000)]
    challenges.record_returns([make_return(order, {1: 1}).pk], by=SYSTEM, at=NOW)
    assert progress_of(ann) == [("1", "in_progress", 3000)]


def test_without_roll_back_a_return_changes_nothing(ann: Customer) -> None:
    publish(challenge(ORDERS, rolls_back=False))
    orders = [make_order(ann, LINES, NOW - DAY * day) for day in (3, 2)]
    back = make_return(orders[1], {1: 2})
    count_orders(*(order.pk for order in orders))
    challenges.record_returns([back.pk], by=SYSTEM, at=NOW)
    assert progress_of(ann) == [("1", "rewarded", 2)]


def test_editing_a_challenge_never_resets_progress(ann: Customer) -> None:
    """Pain "live configuration cannot be changed": a new revision goes on where the former one stood."""
    goal: dict[str, Any] = {"kind": "count", "match": {"categories": ["DAIRY"]}, "target": 3}
    publish(challenge(goal))
    count_orders(make_order(ann, LINES, NOW - DAY * 3).pk)
    publish(challenge({**goal, "match": {"categories": ["DELI"]}, "target": 2}), at=NOW - DAY * 2)
    assert progress_of(ann) == [("1", "in_progress", 1)]
    count_orders(make_order(ann, [("DELI", 1, 100)], NOW - DAY).pk)
    assert progress_of(ann) == [("1", "rewarded", 2)]
    publish(challenge({**goal, "target": 9}), at=NOW)
    count_orders(make_order(ann, LINES, NOW).pk)
    assert progress_of(ann) == [("1", "rewarded", 3)]
    assert balance_of(ann) == (100, 0)


def test_what_happened_before_the_first_publication_does_not_count(ann: Customer) -> None:
    publish(challenge(ORDERS), at=NOW - DAY)
    count_orders(make_order(ann, LINES, NOW - DAY * 2).pk)
    assert progress_of(ann) == []


def test_opting_in_is_needed_where_the_challenge_says_so(ann: Customer) -> None:
    publish(challenge(ORDERS, opt_in=True), challenge(LESSONS, key="auto"))
    before, after = (make_order(ann, LINES, NOW - DAY * day).pk for day in (3, 1))
    count_orders(before)
    assert progress_of(ann) == []
    for _ in range(2):
        challenges.opt_in(customer=ann, key="c", by=SYSTEM, at=NOW - DAY * 2)
    count_orders(before, after)
    assert progress_of(ann) == [("1", "in_progress", 1)]
    challenges.opt_out(customer=ann, key="c", by=SYSTEM, at=NOW)
    count_orders(make_order(ann, LINES, NOW).pk)
    assert progress_of(ann) == [("1", "in_progress", 1)]
    assert OutboxMessage.objects.filter(topic="rewards.challenge_joined").count() == 1
    with pytest.raises(challenges.ChallengeIsAutomatic):
        challenges.opt_in(customer=ann, key="auto", by=SYSTEM, at=NOW)
    with pytest.raises(challenges.ChallengeNotOffered):
        challenges.opt_in(customer=ann, key="none", by=SYSTEM, at=NOW)


def test_only_the_audience_takes_part_and_who_began_goes_on(ann: Customer) -> None:
    bob = _member()
    vip = Segment.objects.create(key="vip", name="VIP", kind="static", created_at=NOW, updated_at=NOW)
    member = SegmentMember.objects.create(segment=vip, customer=ann, joined_at=NOW)
    publish(
        challenge(ORDERS, audience={"segment": "vip"}),
        challenge(ORDERS, key="o", opt_in=True, audience={"segment": "vip"}),
    )
    count_orders(make_order(ann, LINES, NOW - DAY).pk, make_order(bob, LINES, NOW - DAY).pk)
    assert (progress_of(ann), progress_of(bob)) == ([("1", "in_progress", 1)], [])
    member.delete()
    count_orders(make_order(ann, LINES, NOW).pk)
    assert progress_of(ann) == [("1", "rewarded", 2)]
    with pytest.raises(challenges.ChallengeNotOffered):
        challenges.opt_in(customer=bob, key="o", by=SYSTEM, at=NOW)


def _postings(customer: Customer) -> int:
    return LedgerTransaction.objects.filter(account__customer=customer).count()


def test_who_leaves_an_audience_that_pauses_waits_until_they_are_back(ann: Customer) -> None:
    """As a minor whose guardian takes consent back: nothing counts, nothing is given, returns take back."""
    allowed = Segment.objects.create(key="vip", name="VIP", kind="static", created_at=NOW, updated_at=NOW)
    consent = {"segment": allowed, "customer": ann, "joined_at": NOW}
    member = SegmentMember.objects.create(**consent)
    audience = {"segment": "vip", "leaving": "pause"}
    publish(challenge({**ORDERS, "target": 3}, audience=audience))
    orders = [make_order(ann, LINES, NOW - DAY * days) for days in (5, 4)]
    count_orders(*(order.pk for order in orders))
    member.delete()
    count_orders(make_order(ann, LINES, NOW - DAY * 3).pk)
    assert progress_of(ann) == [("1", "in_progress", 2)]
    (status,) = challenge_queries.of_customer(ann, at=NOW)
    assert (status.is_paused, status.value) == (True, 2)
    back = make_return(orders[0], {1: 2}, NOW)
    challenges.record_returns([back.pk], by=SYSTEM, at=NOW)
    assert progress_of(ann) == [("1", "in_progress", 1)]

    # A lower goal is reached, yet not paid before they are back.
    publish(challenge({**ORDERS, "target": 1}, audience=audience), at=NOW)
    challenges.recount(customer_ids=[ann.pk], by=SYSTEM, at=NOW)
    challenges.sweep(by=SYSTEM, at=NOW)
    assert (progress_of(ann), _postings(ann)) == ([("1", "completed", 1)], 0)
    SegmentMember.objects.create(**consent)
    challenges.sweep(by=SYSTEM, at=NOW)
    assert (progress_of(ann), balance_of(ann)) == ([("1", "rewarded", 1)], (100, 0))


def test_those_who_wait_do_not_keep_others_from_being_paid(ann: Customer, monkeypatch: Any) -> None:
    monkeypatch.setattr(challenges, "_SWEEP", 1)
    allowed = Segment.objects.create(key="vip", name="VIP", kind="static", created_at=NOW, updated_at=NOW)
    bob = _member()
    members = [
        SegmentMember.objects.create(segment=allowed, customer=each, joined_at=NOW) for each in (ann, bob)
    ]
    publish(challenge({**ORDERS, "target": 2}, audience={"segment": "vip", "leaving": "pause"}))
    for customer, days in ((ann, 3), (bob, 2)):
        count_orders(make_order(customer, LINES, NOW - DAY * days).pk)
        # Completed and not paid, as a frozen account leaves it.
        ChallengeProgress.objects.filter(customer=customer).update(
            state="completed", target=1, completed_at=NOW - DAY * days
        )
    members[0].delete()
    challenges.sweep(by=SYSTEM, at=NOW)
    assert (_postings(ann), _postings(bob)) == (0, 1)


def test_periods_expire_and_a_late_event_still_completes_one(ann: Customer) -> None:
    publish(challenge(LESSONS, recurrence="daily"))
    happen(ann, "lesson", NOW - DAY * 2, NOW)
    challenges.sweep(by=SYSTEM, at=NOW)
    assert progress_of(ann) == [("2026-03-12", "expired", 1), ("2026-03-14", "in_progress", 1)]
    happen(ann, "lesson", NOW - DAY * 2 + timedelta(minutes=1), prefix="late")
    assert progress_of(ann) == [("2026-03-12", "rewarded", 2), ("2026-03-14", "in_progress", 1)]


def test_no_more_complete_it_than_the_total_limit_and_the_first_by_the_clock_do(ann: Customer) -> None:
    bob = _member()
    publish(challenge({**ORDERS, "target": 1}, limits={"total": 1}))
    orders = [make_order(bob, LINES, NOW - DAY).pk, make_order(ann, LINES, NOW - DAY * 2).pk]
    count_orders(*orders)
    assert (progress_of(ann), progress_of(bob)) == ([("1", "rewarded", 1)], [("1", "in_progress", 1)])
    count_orders(*orders)
    assert progress_of(bob) == [("1", "in_progress", 1)]


def test_a_frozen_account_gets_its_reward_after_it_was_opened_again(ann: Customer) -> None:
    publish(challenge({**ORDERS, "target": 1}))
    count_orders(make_order(ann, LINES, NOW - DAY).pk)
    account = Account.objects.get()
    publish(challenge({**ORDERS, "target": 1}), challenge({**ORDERS, "target": 1}, key="d"))
    (row,) = lock_accounts([account.pk])
    row.frozen_at = NOW
    row.save(update_fields=["frozen_at"])
    count_orders(make_order(ann, LINES, NOW).pk)
    assert progress_of(ann, "d") == [("1", "completed", 1)]
    challenges.sweep(by=SYSTEM, at=NOW)
    assert progress_of(ann, "d") == [("1", "completed", 1)]
    verification.unfreeze(account=account, by=SYSTEM, at=NOW, reason="checked")
    assert challenges.sweep(by=SYSTEM, at=NOW).given == 1
    assert progress_of(ann, "d") == [("1", "rewarded", 1)]
    assert balance_of(ann) == (200, 0)


@pytest.mark.parametrize("seed", range(4))
def test_progress_is_the_same_for_any_order_of_arrival_and_for_a_replay(ann: Customer, seed: int) -> None:
    publish(
        challenge(ORDERS, recurrence="on_completion"),
        challenge({"kind": "streak", "match": {"event": "lesson"}, "target": 3, "gap": 1}, key="s"),
        challenge(
            {"kind": "distinct", "match": {}, "of": "category", "target": 2}, key="d", recurrence="weekly"
        ),
    )
    orders = [make_order(ann, [(name, 1, 100)], NOW - DAY * day) for name, day in
              (("A", 9), ("B", 8), ("A", 7), ("C", 2), ("C", 1))]  # fmt: skip
    back = make_return(orders[2], {1: 1})
    steps: list[Any] = [lambda order=order: count_orders(order.pk) for order in orders]
    steps.append(lambda: challenges.record_returns([back.pk], by=SYSTEM, at=NOW))
    steps += [lambda day=day: happen(ann, "lesson", NOW - DAY * day) for day in (6, 5, 3, 1)]
    random.Random(seed).shuffle(steps)
    for step in steps:
        step()
    expected = {
        "c": [("1", "rewarded", 2), ("2", "rewarded", 2)],
        "s": [("1", "rewarded", 4)],
        "d": [("2026-03-02", "rewarded", 2), ("2026-03-09", "in_progress", 1)],
    }
    assert {key: progress_of(ann, key) for key in expected} == expected
    points = LedgerTransaction.objects.filter(source_type="challenge").count()
    challenges.replay(
        tenant=Tenant.objects.get(slug="acme"), since=LIVE, by=SYSTEM, at=NOW, progress=lambda *_: None
    )
    assert {key: progress_of(ann, key) for key in expected} == expected
    assert LedgerTransaction.objects.filter(source_type="challenge").count() == points


def test_a_batch_costs_the_same_queries_for_one_customer_and_for_five(scope: Tenant) -> None:
    publish(challenge(ORDERS), challenge({**ORDERS, "target": 1}, key="d"))
    counts = []
    # A process reads a document once.
    assert programs.published() is not None
    for number in (1, 5):
        orders = [make_order(_member(), LINES, NOW - DAY).pk for _ in range(number)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            count_orders(*orders)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_other_tenants_see_nothing(ann: Customer, other_tenant: Tenant) -> None:
    publish(challenge({**ORDERS, "target": 1}))
    count_orders(make_order(ann, LINES, NOW - DAY).pk)
    assert ChallengeParticipation.objects.count() == ChallengeContribution.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        ChallengeProgress.objects.update(completed_at=None)


def test_the_other_tenant_has_no_progress(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish(challenge({**ORDERS, "target": 1}))
        count_orders(make_order(_member(), LINES, NOW - DAY).pk)
    with tenant_scope(other_tenant):
        assert not ChallengeProgress.objects.exists()
        assert not ChallengeContribution.objects.exists()

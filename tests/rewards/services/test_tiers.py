from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.models import ComputedTrait, Customer, Identity
from rewards.domain.qualification import DROPPED, Holding, decide
from rewards.models import DecisionRecord, TierChange, TierMembership, TransactionKind, Wallet
from rewards.queries import programs
from rewards.queries import tiers as tier_queries
from rewards.services import earning, history, simulations, tiers
from rewards.services import programs as program_services
from rewards.services.errors import CustomerNotActive
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import InvalidInput, NotFound, PermissionRefused
from tenants.models import Job, OutboxMessage, Tenant
from tenants.queue import JobContext, registry
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.rewards.challenge_worlds import challenge, count_orders, happen
from tests.rewards.factories import make_customer, make_order, make_return, post

DAY = timedelta(days=1)
LADDER = [
    {"key": "base", "name": "Base", "threshold_minor": 0},
    {"key": "silver", "name": "Silver", "threshold_minor": 1000},
    {"key": "gold", "name": "Gold", "threshold_minor": 5000},
]


def publish(
    qualification: dict[str, Any] | None = None, ladder: list[dict[str, Any]] | None = None, **sections: Any
) -> None:
    document = {
        "wallets": [{"key": "points", "name": "Points"}, {"key": "status", "name": "Status"}],
        "tiers": LADDER if ladder is None else ladder,
        "qualification": qualification or {},
        **sections,
    }
    draft = program_services.save_draft(document=document, by=SYSTEM, at=NOW - 300 * DAY)
    program_services.publish(revision=draft, by=SYSTEM, at=NOW - 300 * DAY)


def by(criterion: dict[str, Any], **policy: Any) -> None:
    ladder = [
        {"key": "base", "name": "Base", "threshold_minor": 0},
        {"key": "gold", "name": "Gold", "thresholds": {criterion["key"]: 10}},
    ]
    publish({"criteria": [criterion], **policy}, ladder)


def held(customer: Customer) -> str | None:
    return TierMembership.objects.filter(customer=customer).values_list("tier_key", flat=True).first()


@pytest.fixture
def ann(scope: Tenant) -> Customer:
    return make_customer()


def test_spend_net_of_returns_decides_and_moves_are_recorded(ann: Customer) -> None:
    publish()
    order = make_order(ann, [("A", 2, 6000)], NOW - DAY)
    tiers.refresh(customer_ids=[ann.pk], at=NOW)
    assert held(ann) == "gold"
    make_return(order, {1: 1})
    tiers.refresh(customer_ids=[ann.pk], at=NOW)
    assert held(ann) == "silver"
    tiers.recompute(at=NOW + 400 * DAY)
    assert held(ann) == "base"
    moves = TierChange.objects.order_by("id").values_list("move", "from_key", "to_key")
    assert list(moves) == [
        ("entered", "", "gold"), ("downgraded", "gold", "silver"), ("downgraded", "silver", "base"),
    ]  # fmt: skip
    payload = OutboxMessage.objects.filter(topic="rewards.tiers_changed").latest("id").payload
    assert payload == {
        "count": 1,
        "changes": [{"customer_id": ann.pk, "move": "downgraded", "from": "silver", "to": "base"}],
    }
    with pytest.raises(ProgrammingError), transaction.atomic():
        TierChange.objects.all().delete()


def test_spending_points_never_demotes(ann: Customer) -> None:
    """Pain OL 131 "spending points demoted me": status counts what was credited, not what is left."""
    by({"key": "status", "metric": "points", "wallet": "status"})

    status, points = Wallet.objects.get(key="status"), Wallet.objects.get(key="points")
    post(ann, status, 12, kind=TransactionKind.EARN)
    post(ann, points, 500, kind=TransactionKind.EARN)
    tiers.recompute(at=NOW)
    assert held(ann) == "gold"
    post(ann, status, -12, kind=TransactionKind.REDEEM)
    post(ann, points, -500, kind=TransactionKind.REDEEM)
    tiers.recompute(at=NOW)
    assert held(ann) == "gold"
    assert TierMembership.objects.get().values == {"status": 12}
    post(ann, status, 5, kind=TransactionKind.EARN)
    post(ann, status, -3, kind=TransactionKind.ADJUST)
    tiers.recompute(at=NOW)
    assert TierMembership.objects.get().values == {"status": 14}


def test_orders_events_and_scores_decide(ann: Customer) -> None:
    by({"key": "orders", "metric": "orders"})
    orders = [make_order(ann, [("A", 1, 100)], NOW - DAY * number) for number in range(1, 11)]
    tiers.recompute(at=NOW)
    assert held(ann) == "gold"
    make_return(orders[0], {1: 1})
    tiers.recompute(at=NOW)
    assert held(ann) == "base"
    by({"key": "score", "metric": "score", "weights": {"clv": "0.5", "nps": 2}, "bias": "1.75"})
    ComputedTrait.objects.create(customer=ann, name="clv", number=12.5, computed_at=NOW)
    ComputedTrait.objects.create(customer=ann, name="nps", number=1, computed_at=NOW)
    tiers.recompute(at=NOW)
    assert (held(ann), TierMembership.objects.get().values) == ("gold", {"score": 10})


def test_events_decide_as_soon_as_they_are_recorded(ann: Customer) -> None:

    Identity.objects.create(customer=ann, kind="external_id", value=str(ann), created_at=NOW)
    by({"key": "lessons", "metric": "events", "event": "lesson"})
    moments = [NOW - timedelta(hours=number) for number in range(1, 11)]
    happen(ann, "lesson", *moments)
    messages = [f"m-{ann.pk}-{moment.isoformat()}" for moment in moments]
    tiers.refresh_after_events(message_ids=messages, first_at=moments[-1], last_at=moments[0], at=NOW)
    assert held(ann) == "gold"


def test_points_of_a_challenge_lift_the_tier_at_once(ann: Customer) -> None:
    reward = [{"kind": "points", "wallet": "status", "points": 10}]
    written = {**challenge({"kind": "count", "match": {}, "target": 1}), "rewards": reward}
    ladder = [{"key": "gold", "name": "Gold", "thresholds": {"status": 10}}]
    criteria = [{"key": "status", "metric": "points", "wallet": "status"}]
    publish({"criteria": criteria}, ladder, challenges=[written])
    count_orders(make_order(ann, [("A", 1, 100)], NOW - DAY).pk)
    assert held(ann) == "gold"


def test_staff_lock_a_tier_until_a_day_and_unlock_it(ann: Customer, actor: Actor) -> None:
    publish()
    make_order(ann, [("A", 1, 1500)], NOW - DAY)
    until = NOW + 30 * DAY
    tiers.lock(customer=ann, tier_key="gold", until=until, reason="Complaint", by=actor, at=NOW)
    tiers.recompute(at=NOW)
    row = TierMembership.objects.get()
    assert (row.tier_key, row.lock_reason, row.locked_by, row.values) == (
        "gold", "Complaint", actor.label, {"spend": 1500},
    )  # fmt: skip
    tiers.recompute(at=until)
    assert held(ann) == "silver"
    tiers.lock(customer=ann, tier_key="gold", until=until + DAY, reason="Again", by=actor, at=until)
    tiers.unlock(customer=ann, reason="Mistake", by=actor, at=until)
    assert held(ann) == "silver"
    moves = TierChange.objects.order_by("id").values_list("move", "to_key", "reason")
    assert list(moves) == [
        ("locked", "gold", "Complaint"), ("downgraded", "silver", ""), ("locked", "gold", "Again"),
        ("unlocked", "gold", "Mistake"), ("downgraded", "silver", ""),
    ]  # fmt: skip
    protected = TierChange.objects.order_by("id").values_list("locked_until", flat=True)
    assert list(protected) == [until, until, until + DAY, None, None]
    with pytest.raises(NotFound):
        tiers.unlock(customer=ann, reason="", by=actor, at=until)
    with pytest.raises(InvalidInput) as caught:
        tiers.lock(customer=ann, tier_key="iron", until=NOW, reason=" ", by=actor, at=NOW)
    assert [error.pointer for error in caught.value.errors] == ["/tier", "/until", "/reason"]
    nobody = Actor(kind=ActorKind.USER, label="nobody")
    with pytest.raises(PermissionRefused):
        tiers.lock(customer=ann, tier_key="gold", until=until, reason="x", by=nobody, at=NOW)


MOMENTS = (None, NOW - DAY, NOW + DAY)
POLICIES: list[dict[str, Any]] = [
    {},
    {"grace_days": 10},
    {"downgrade": "single_step", "soft_landing_days": 30},
    {"downgrade": "none"},
    {"validity": "months", "valid_months": 6, "downgrade": "single_step"},
]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_statement_agrees_with_the_pure_decision(scope: Tenant, policy: dict[str, Any]) -> None:
    publish(policy)
    revision = programs.published().revision  # type: ignore[union-attr]
    keys = [tier.key for tier in revision.tiers]
    ladder = {DROPPED: "iron", **dict(enumerate(keys))}
    place_of = {key: place for place, key in ladder.items()}
    cases = list(itertools.product((DROPPED, -1, 0, 1, 2), (0, 1, 2), MOMENTS, MOMENTS, MOMENTS))
    expected: dict[int, Holding] = {}
    for before_place, place, valid, grace, locked in random.Random(1).sample(cases, 60):
        customer = make_customer()
        spend = (0, 1000, 5000)[place]
        if spend:
            make_order(customer, [("A", 1, spend)], NOW - DAY)
        before = Holding(before_place, valid, grace, locked) if before_place != -1 else Holding()
        if before_place != -1:
            TierMembership.objects.create(
                customer=customer, tier_key=ladder[before_place], qualifying_spend_minor=0, since=NOW - DAY,
                computed_at=NOW - DAY, valid_until=valid, grace_until=grace, locked_until=locked,
            )  # fmt: skip
        after = decide(before, place, revision.qualification, NOW, ZoneInfo("America/New_York"))
        expected[customer.pk] = after.holding
    tiers.recompute(at=NOW)
    found = {
        row.customer_id: Holding(place_of[row.tier_key], row.valid_until, row.grace_until, row.locked_until)
        for row in TierMembership.objects.all()
    }
    assert found == expected


@pytest.mark.parametrize(("spend", "to_key"), [(1500, "silver"), (0, "")])
def test_leaving_a_tier_that_a_revision_drops_is_no_promotion(ann: Customer, spend: int, to_key: str) -> None:
    publish(ladder=[{"key": "iron", "name": "Iron", "threshold_minor": 0}])
    tiers.recompute(at=NOW)
    if spend:
        make_order(ann, [("A", 1, spend)], NOW)
    publish(ladder=[{"key": "silver", "name": "Silver", "threshold_minor": 1000}])
    tiers.recompute(at=NOW + DAY)
    tiers.recompute(at=NOW + 2 * DAY)
    moves = TierChange.objects.order_by("id").values_list("move", "from_key", "to_key")
    assert list(moves) == [("entered", "", "iron"), ("remapped", "iron", to_key)]
    held = TierMembership.objects.values_list("tier_key", flat=True)
    assert list(held) == ([to_key] if to_key else [])


def test_every_step_keeps_what_protects_the_tier_from_then_on(ann: Customer) -> None:
    publish({"validity": "months", "valid_months": 2, "grace_days": 10, "length": 30})
    make_order(ann, [("A", 1, 1500)], NOW)
    for days in (0, 70, 90):
        tiers.recompute(at=NOW + days * DAY)
    found = TierChange.objects.order_by("id").values_list("move", "to_key", "valid_until", "grace_until")
    safe = datetime(2026, 5, 15, 4, tzinfo=UTC)
    assert list(found) == [
        ("entered", "silver", safe, None),
        ("grace", "silver", safe, datetime(2026, 6, 3, 4, tzinfo=UTC)),
        ("downgraded", "base", datetime(2026, 8, 13, 4, tzinfo=UTC), None),
    ]
    row = TierMembership.objects.get()
    assert (row.valid_until, row.grace_until) == (datetime(2026, 8, 13, 4, tzinfo=UTC), None)


def test_a_late_run_over_everybody_does_not_undo_what_an_order_brought(ann: Customer) -> None:
    publish()
    make_order(ann, [("A", 1, 1500)], NOW)
    tiers.refresh(customer_ids=[ann.pk], at=NOW + timedelta(hours=1))
    tiers.recompute(at=NOW - DAY)
    assert held(ann) == "silver"
    tiers.recompute(at=NOW - DAY, is_forced=True)
    assert held(ann) == "base"


def test_where_customers_stand_costs_the_same_for_one_and_for_five(scope: Tenant) -> None:
    publish()
    customers = [make_customer() for _ in range(5)]
    make_order(customers[0], [("A", 1, 1500)], NOW - DAY)
    tiers.recompute(at=NOW)
    revision = programs.published().revision  # type: ignore[union-attr]
    counts = []
    for some in (customers[:1], customers):
        with CaptureQueriesContext(connection) as queries:
            found = tier_queries.of_customers([each.pk for each in some], revision=revision, at=NOW)
        counts.append(len(queries))
    assert counts == [2, 2]
    standing = found[customers[0].pk]
    assert (standing.tier.key, standing.share()) == ("silver", 30)  # type: ignore[union-attr]
    assert standing.projection.missing_by_criterion == {"spend": 3500}


def test_the_tier_held_at_a_moment(ann: Customer) -> None:
    publish()
    make_order(ann, [("A", 1, 1500)], NOW)
    tiers.recompute(at=NOW - 10 * DAY)
    tiers.recompute(at=NOW)
    asked = [(ann.pk, NOW - 11 * DAY), (ann.pk, NOW - DAY), (ann.pk, NOW + DAY)]
    assert tier_queries.at_moments(asked) == [None, "base", "silver"]


def test_other_tenants_keep_their_tiers(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            publish()
            make_customer()
    with tenant_scope(tenant):
        tiers.recompute(at=NOW)
        assert TierMembership.objects.count() == 1
    with tenant_scope(other_tenant):
        assert TierMembership.objects.count() == 0


def test_an_order_earns_by_the_tier_held_at_its_moment(ann: Customer) -> None:
    """Where more than spend decides, the multiplier follows what was held, not what spend would reach."""
    rule = {"key": "buy", "name": "Buy", "wallet": "points", "points": 1, "per_minor": 100,
            "tier_percent": {"gold": 200}}  # fmt: skip
    ladder = [{"key": "gold", "name": "Gold", "thresholds": {"status": 10}}]
    criteria = [{"key": "status", "metric": "points", "wallet": "status"}]
    publish({"criteria": criteria}, ladder, rules=[rule])
    early, late = (make_order(ann, [("A", 1, 1000)], NOW - DAY * day) for day in (5, 1))
    post(ann, Wallet.objects.get(key="status"), 10, kind=TransactionKind.EARN, at=NOW - DAY * 3)
    tiers.refresh(customer_ids=[ann.pk], at=NOW - DAY * 3)
    earning.award_orders([early.pk, late.pk], by=SYSTEM, at=NOW)
    points = DecisionRecord.objects.order_by("occurred_at").values_list("points", flat=True)
    assert list(points) == [10, 20]


def test_publishing_another_ladder_starts_a_recomputation(scope: Tenant) -> None:
    def jobs() -> int:
        return Job.objects.filter(kind="rewards.recompute_tiers", state=Job.State.QUEUED).count()

    publish(ladder=[])
    assert jobs() == 0
    publish()
    publish(rules=[])
    assert jobs() == 1
    publish(ladder=LADDER[:2])
    assert jobs() == 2
    publish({"downgrade": "none"}, LADDER[:2])
    assert jobs() == 3


BUY = {"key": "buy", "name": "Buy", "wallet": "points", "points": 1, "per_minor": 100,
       "tier_percent": {"gold": 300}}  # fmt: skip
GOLD_ONLY = {
    "key": "gold-only", "name": "Gold only", "priority": 1, "effects": [
        {"type": "points", "wallet": "points", "points": 1000}],
    "when": {"member": "tier", "op": "eq", "value": "gold"},
}  # fmt: skip


def award(customer: Customer, at: Any) -> int:
    order = make_order(customer, [("A", 1, 100)], at)
    earning.award_orders([order.pk], by=SYSTEM, at=at)
    return DecisionRecord.objects.get(event_type="order", event_id=order.pk).points


def test_rules_see_the_tier_that_a_lock_holds_while_it_holds(ann: Customer, actor: Actor) -> None:
    """Where spend decides, too: a member who was given gold earns as gold."""
    publish(rules=[BUY, GOLD_ONLY])
    bob = make_customer()
    tiers.recompute(at=NOW - 30 * DAY)
    tiers.lock(
        customer=ann, tier_key="gold", until=NOW + 10 * DAY, reason="Guest", by=actor, at=NOW - 20 * DAY
    )
    assert [award(ann, NOW - 21 * DAY), award(ann, NOW - 19 * DAY), award(bob, NOW)] == [1, 1003, 1]
    assert award(ann, NOW + 11 * DAY) == 1
    tiers.recompute(at=NOW + 12 * DAY)
    assert held(ann) == "base"
    # An order of the time of the lock that is told of late.
    late = make_order(ann, [("A", 1, 100)], NOW + 9 * DAY)
    earning.award_orders([late.pk], by=SYSTEM, at=NOW + 13 * DAY)
    assert DecisionRecord.objects.get(event_id=late.pk, event_type="order").points == 1003


def test_a_lock_lowers_too_and_a_merged_one_still_holds(ann: Customer, actor: Actor) -> None:
    publish(rules=[BUY, GOLD_ONLY])
    make_order(ann, [("A", 1, 6000)], NOW - 20 * DAY)
    tiers.recompute(at=NOW - 10 * DAY)
    options: dict[str, Any] = {"until": NOW + DAY, "reason": "Abuse", "by": actor}
    tiers.lock(customer=ann, tier_key="base", at=NOW - 5 * DAY, **options)
    assert award(ann, NOW) == 1
    # What a merge moves to another record has no history of its own there.
    bob = make_customer()
    TierMembership.objects.filter(customer=ann).update(customer=bob, tier_key="gold")
    assert award(bob, NOW) == 1003


def test_simulation_and_history_see_the_tier_held(tenant: Tenant, actor: Actor) -> None:
    with tenant_scope(tenant):
        ann = make_customer()
        publish(rules=[BUY, GOLD_ONLY])
        tiers.recompute(at=NOW - 30 * DAY)
        options: dict[str, Any] = {"until": NOW + 10 * DAY, "reason": "Guest", "by": actor}
        tiers.lock(customer=ann, tier_key="gold", at=NOW - 20 * DAY, **options)
        revision = programs.published()
        assert revision is not None
        cart = [simulations.CartLine(amount_minor=100)]
        for at, points in ((NOW, 1003), (NOW + 11 * DAY, 1)):
            asked = {"customer": ann, "lines": cart, "channel": "web", "at": at, "revision": revision}
            assert simulations.of_cart(**asked).evaluation.points == points  # type: ignore[arg-type]  # by name
        make_order(ann, [("A", 1, 100)], NOW - 25 * DAY)
        make_order(ann, [("A", 1, 100)], NOW)
    history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None)
    with tenant_scope(tenant):
        points = DecisionRecord.objects.order_by("occurred_at").values_list("points", flat=True)
        assert list(points) == [1, 1003]


def test_without_a_record_everybodys_tier_is_seen(ann: Customer) -> None:
    by({"key": "status", "metric": "points", "wallet": "status"})
    revision = programs.published().revision  # type: ignore[union-attr]  # it was published
    asked = [(ann.pk, NOW)]
    assert tier_queries.held_at(revision, asked, ["base"]) == ["base"]
    tiers.recompute(at=NOW - DAY)
    post(ann, Wallet.objects.get(key="status"), 10, kind=TransactionKind.EARN, at=NOW - DAY)
    tiers.recompute(at=NOW - timedelta(hours=1))
    assert tier_queries.held_at(revision, asked, ["base"]) == ["gold"]


def test_the_first_publication_gives_everybody_a_tier(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
        make_order(customer, [("A", 1, 1500)], NOW - DAY)
        publish()
        (job,) = Job.objects.filter(kind="rewards.recompute_tiers")
    with tenant_scope(other_tenant):
        assert not Job.objects.exists()
    context = JobContext(tenant=tenant, params=job.params, actor=SYSTEM, at=NOW, progress=lambda *_: None)
    registry.handler_by_kind[job.kind](job=context)
    with tenant_scope(tenant):
        assert held(customer) == "silver"


@pytest.mark.parametrize(
    ("state", "is_locked"), [("suspended", True), ("merged", False), ("anonymised", False)]
)
def test_nobody_who_is_gone_is_given_a_tier(
    ann: Customer, actor: Actor, state: str, *, is_locked: bool
) -> None:
    publish()
    ann.state = state
    terms = {"tier_key": "gold", "until": NOW + DAY, "reason": "A gift", "by": actor, "at": NOW}
    if is_locked:
        tiers.lock(customer=ann, **terms)
    else:
        with pytest.raises(CustomerNotActive):
            tiers.lock(customer=ann, **terms)
    assert held(ann) == ("gold" if is_locked else None)

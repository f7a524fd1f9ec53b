"""Budgets that pay challenges: what they do not have is not given, by whatever way points are earned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer, Identity
from rewards.domain.rules import Trigger
from rewards.models import Account, BudgetUsage, ChallengeProgress, Wallet
from rewards.queries import challenges as challenge_queries
from rewards.queries import gift_payments, programs
from rewards.services import challenges, earning, simulations
from rewards.services import programs as program_services
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tests.conftest import NOW
from tests.rewards.challenge_worlds import LIVE, challenge, count_orders, happen
from tests.rewards.factories import make_customer, make_order, make_return, post

pytestmark = pytest.mark.django_db
ONCE: dict[str, Any] = {"kind": "count", "match": {"event": "lesson"}, "target": 1}
TWICE: dict[str, Any] = {"kind": "count", "match": {"event": "lesson"}, "target": 2}


def publish(*challenges: dict[str, Any], rules: Any = (), cost: int | None = None, **budget: Any) -> None:
    document = {
        "wallets": [{"key": "points", "name": "Points", "thousand_points_minor": cost}],
        "budgets": [{"key": "b", "name": "B", "period": "month", **budget}],
        "challenges": [{**each, "budget": "b"} for each in challenges],
        "rules": list(rules),
    }
    draft = program_services.save_draft(document=document, by=SYSTEM, at=LIVE)
    program_services.publish(revision=draft, by=SYSTEM, at=LIVE)


def member() -> Customer:
    customer = make_customer(created_at=LIVE)
    Identity.objects.create(customer=customer, kind="external_id", value=str(customer), created_at=NOW)
    return customer


def learn(*customers: Customer, times: int = 1) -> None:
    for customer in customers:
        for number in range(times):
            happen(customer, "lesson", NOW - timedelta(hours=2 * times - number))


def points_of(*customers: Customer) -> list[int]:
    found = dict(Account.objects.values_list("customer_id", "available"))
    return [found.get(customer.pk, 0) for customer in customers]


def paid() -> tuple[int, int]:
    return tuple(BudgetUsage.objects.values_list("points", "money_minor").get())


@pytest.mark.parametrize(("runs_out", "given"), [("give_rest", [100, 50, 0]), ("give_nothing", [100, 0, 0])])
def test_a_budget_pays_what_it_has_and_the_rest_is_told(scope: Tenant, runs_out: str, given: Any) -> None:
    publish(challenge(ONCE), points=150, when_exhausted=runs_out)
    members = [member() for _ in range(3)]
    learn(*members)
    assert (points_of(*members), paid()) == (given, (sum(given), 0))
    (status,) = challenge_queries.of_customer(members[1], at=NOW)
    assert (status.state, status.withheld_points) == ("rewarded", 100 - given[1])
    # What was not given is not made up for when it is read again.
    learn(members[1])
    happen(members[2], "lesson", NOW - timedelta(minutes=1))
    assert (points_of(*members), paid()) == (given, (sum(given), 0))


def test_milestones_and_money_are_under_the_budget(scope: Tenant) -> None:
    milestones = [{"at": 1, "rewards": [{"kind": "points", "wallet": "points", "points": 30}]}]
    publish(challenge(TWICE, milestones=milestones), cost=500, money_minor=40)
    one, two = member(), member()
    learn(one, two)
    assert (points_of(one, two), paid()) == ([30, 30], (60, 30))
    happen(one, "lesson", NOW - timedelta(minutes=5))
    assert (points_of(one, two), paid()) == ([50, 30], (80, 40))
    row = ChallengeProgress.objects.get(customer=one)
    assert [(each["points"], each.get("withheld")) for each in row.grants] == [(30, None), (20, 80)]


def test_rules_and_challenges_share_one_budget(scope: Tenant) -> None:
    rule = {"key": "base", "name": "Base", "budget": "b",
            "effects": [{"type": "points", "wallet": "points", "points": 60}]}  # fmt: skip
    goal: dict[str, Any] = {"kind": "count", "match": {}, "target": 1}
    publish(challenge(goal), rules=[rule], points=130)
    customer = member()
    order = make_order(customer, [("A", 1, 100)], NOW - timedelta(hours=1))
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    count_orders(order.pk)
    assert (points_of(customer), paid()) == ([130], (130, 0))


def test_a_challenge_that_a_rule_advances_draws_on_its_budget(scope: Tenant) -> None:
    rule = {"key": "push", "name": "Push", "effects": [
        {"type": "challenge", "challenge": "c", "progress": 1}]}  # fmt: skip
    publish(challenge(ONCE), rules=[rule], points=40)
    customer = member()
    order = make_order(customer, [("A", 1, 100)], NOW - timedelta(hours=1))
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    assert (points_of(customer), paid()) == ([40], (40, 0))


def test_what_comes_back_takes_what_was_given_and_gives_no_room_again(scope: Tenant) -> None:
    goal: dict[str, Any] = {"kind": "count", "match": {}, "target": 1}
    publish(challenge(goal), points=70)
    customer = member()
    order = make_order(customer, [("A", 1, 100)], NOW - timedelta(hours=1))
    count_orders(order.pk)
    assert points_of(customer) == [70]
    back = make_return(order, {1: 1}, NOW)
    challenges.record_returns([back.pk], by=SYSTEM, at=NOW)
    assert (points_of(customer), paid()) == ([0], (70, 0))
    again = make_order(customer, [("A", 1, 100)], NOW)
    count_orders(again.pk)
    assert (points_of(customer), paid()) == ([0], (70, 0))


def test_a_frozen_account_leaves_the_budget_to_others(scope: Tenant) -> None:
    publish(challenge(ONCE), points=100)
    frozen, other = member(), member()
    post(frozen, Wallet.objects.get(key="points"), 1)
    Account.objects.filter(customer=frozen).update(frozen_at=NOW)
    learn(frozen)
    learn(other)
    assert (points_of(other), paid()) == ([100], (100, 0))


def test_the_ledger_tells_what_budgets_paid(scope: Tenant, other_tenant: Tenant) -> None:
    publish(challenge(ONCE), cost=500, points=150)
    learn(member(), member())
    found = gift_payments.between(None, NOW + timedelta(days=1), scope.zone)
    sums = [(key, spent.points, spent.money_minor) for _at, key, spent in found]
    assert sorted(sums) == [("b", 50, 25), ("b", 100, 50)]
    assert list(gift_payments.between(NOW + timedelta(seconds=1), None, scope.zone)) == []


def test_the_simulator_shows_what_the_budget_has(scope: Tenant) -> None:
    publish(challenge(ONCE), points=130)
    learn(member())
    published = programs.published()
    assert published is not None
    case = simulations.of_event(
        customer=member(), trigger=Trigger.EVENT, name="lesson", properties={}, at=NOW,
        revision=published,
    )  # fmt: skip
    (outlook,) = case.outlook.challenges if case.outlook else ()
    assert [reward.points for reward in outlook.rewards] == [30]
    assert paid() == (100, 0)


def test_a_budget_that_is_not_there_is_refused(scope: Tenant) -> None:
    with pytest.raises(InvalidInput) as refusal:
        program_services.save_draft(
            document={
                "wallets": [{"key": "points", "name": "Points"}],
                "challenges": [{**challenge(ONCE), "budget": "gone"}],
            },
            by=SYSTEM, at=NOW,
        )  # fmt: skip
    (error,) = refusal.value.errors
    assert (error.pointer, error.code) == ("/document/challenges/0/budget", "unknown_budget")

"""What the simulator says of challenges and tiers is what then happens, and nothing is written by asking."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.models import Customer, Identity
from rewards.models import ChallengeProgress, TierMembership, TierMove
from rewards.queries import programs
from rewards.queries.outlooks import Outlook
from rewards.services import challenges, simulations, tiers
from rewards.services import programs as program_services
from rewards.services.simulations import CartLine
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.conftest import NOW
from tests.rewards.challenge_worlds import LESSONS, LIVE, ORDERS, challenge, count_orders, happen, publish
from tests.rewards.factories import make_customer, make_order

DAY = timedelta(days=1)
LADDER = [
    {"key": "base", "name": "Base", "threshold_minor": 0},
    {"key": "silver", "name": "Silver", "threshold_minor": 5_000},
    {"key": "gold", "name": "Gold", "threshold_minor": 20_000},
]
LINES = [("DAIRY", 1, 3_000)]


@pytest.fixture
def ann(scope: Tenant) -> Customer:
    """Bought once for 30; one order, or two lessons, are missing to a challenge."""
    publish(
        challenge(ORDERS),
        challenge(LESSONS, key="learn", milestones=[{"at": 1, "rewards": [_points(7)]}]),
        challenge(ORDERS, key="ask", opt_in=True),
        tiers=LADDER,
    )
    customer = make_customer(created_at=LIVE)
    Identity.objects.create(customer=customer, kind="external_id", value=str(customer), created_at=NOW)
    count_orders(make_order(customer, LINES, NOW - DAY).pk)
    tiers.recompute(at=NOW - DAY)
    return customer


def _points(points: int) -> dict[str, Any]:
    return {"kind": "points", "wallet": "points", "points": points}


def cart(customer: Customer, amount: int) -> Outlook:
    case = simulations.of_cart(
        customer=customer, lines=[CartLine(amount, category="DAIRY")], channel="", at=NOW,
        revision=_published(),
    )  # fmt: skip
    assert case.outlook is not None
    return case.outlook


def event(customer: Customer, name: str) -> Outlook:
    case = simulations.of_event(
        customer=customer, trigger=simulations.Trigger.EVENT, name=name, properties={}, at=NOW,
        revision=_published(),
    )  # fmt: skip
    assert case.outlook is not None
    return case.outlook


def _published() -> Any:
    return programs.published()


def moves(outlook: Outlook) -> list[tuple[str, int, int, int, bool, int]]:
    return [
        (
            each.challenge.key, each.before, each.after, each.target, each.is_completed,
            sum(reward.points for reward in each.rewards),
        )
        for each in outlook.challenges
    ]  # fmt: skip


def test_a_cart_says_what_then_happens(ann: Customer) -> None:
    outlook = cart(ann, 4_000)
    assert moves(outlook) == [("c", 1, 2, 2, True, 100)]
    assert outlook.tier is not None
    assert (outlook.tier.before, outlook.tier.after, outlook.tier.move) == (
        _published().revision.tiers[0], _published().revision.tiers[1], "upgraded",
    )  # fmt: skip
    assert (outlook.tier.next_tier, dict(outlook.tier.missing)) == (
        _published().revision.tiers[2], {"spend": 20_000 - 7_000},
    )  # fmt: skip

    assert ChallengeProgress.objects.get(challenge_key="c").value == 1
    assert TierMembership.objects.get().tier_key == "base"

    count_orders(make_order(ann, [("DAIRY", 1, 4_000)], NOW).pk)
    tiers.refresh(customer_ids=[ann.pk], at=NOW)
    assert ChallengeProgress.objects.get(challenge_key="c").state == "rewarded"
    assert TierMembership.objects.get().tier_key == "silver"
    assert ann.tier_changes.latest("id").move == TierMove.UPGRADED


def test_somebody_new_is_played_without_being_anybody(ann: Customer) -> None:
    outlook = cart(simulations.newcomer(), 6_000)
    assert moves(outlook) == [("c", 0, 1, 2, False, 0)]
    assert outlook.tier is not None
    assert (outlook.tier.before, outlook.tier.after, outlook.tier.move) == (
        None, _published().revision.tiers[1], "entered",
    )  # fmt: skip
    assert moves(event(simulations.newcomer(), "lesson")) == [("learn", 0, 1, 2, False, 7)]
    assert Customer.objects.count() == 1


def test_points_of_a_challenge_count_for_the_tier(scope: Tenant) -> None:
    """A single lesson completes the challenge, whose points reach the tier."""
    document = {
        "wallets": [{"key": "points", "name": "Points"}],
        "tiers": [{"key": "up", "name": "Up", "thresholds": {"earned": 100}}],
        "qualification": {"criteria": [{"key": "earned", "metric": "points", "wallet": "points"}]},
        "challenges": [challenge({**LESSONS, "target": 1})],
    }
    draft = program_services.save_draft(document=document, by=SYSTEM, at=LIVE)
    program_services.publish(revision=draft, by=SYSTEM, at=LIVE)
    outlook = event(make_customer(created_at=LIVE), "lesson")
    assert moves(outlook) == [("c", 0, 1, 1, True, 100)]
    assert outlook.tier is not None
    assert outlook.tier.after is not None
    assert outlook.tier.after.key == "up"


def test_an_event_reaches_a_milestone_once(ann: Customer) -> None:
    assert moves(event(ann, "lesson")) == [("learn", 0, 1, 2, False, 7)]
    happen(ann, "lesson", NOW - DAY)
    assert moves(event(ann, "lesson")) == [("learn", 1, 2, 2, True, 100)]
    other = event(ann, "song")
    assert (moves(other), other.tier and other.tier.move) == ([], "kept")


def test_who_was_asked_and_has_not_joined_makes_no_progress(ann: Customer) -> None:
    assert "ask" not in [key for key, *_ in moves(cart(ann, 100))]
    challenges.opt_in(customer=ann, key="ask", by=SYSTEM, at=NOW - DAY)
    assert ("ask", 0, 1, 2, False, 0) in moves(cart(ann, 100))


def test_a_challenge_that_is_used_up_promises_nothing(ann: Customer) -> None:
    publish(challenge(ORDERS, limits={"total": 1}), tiers=LADDER, at=NOW - DAY)
    assert moves(cart(ann, 100)) == [("c", 1, 2, 2, True, 100)]
    other = make_customer(created_at=LIVE)
    count_orders(*(make_order(other, LINES, NOW - DAY).pk for _ in range(2)))
    assert moves(cart(ann, 100)) == [("c", 1, 2, 2, False, 0)]


def test_who_waits_outside_of_the_audience_makes_no_progress(ann: Customer) -> None:
    audience = {"tiers": ["gold"], "leaving": "pause"}
    publish(challenge(ORDERS, audience=audience), tiers=LADDER, at=NOW - DAY)
    assert moves(cart(ann, 100)) == []


def test_what_was_recorded_has_no_outlook(ann: Customer) -> None:
    order = make_order(ann, LINES, timezone.now())
    assert simulations.of_order(order=order, revision=_published()).outlook is None

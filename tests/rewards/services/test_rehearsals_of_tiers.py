"""A rehearsal moves tiers exactly as live would have: one story, told by both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from crm.models import ComputedTrait
from rewards.queries import programs
from rewards.queries import tiers as standings
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import make_customer, make_order
from tests.rewards.rehearsal_steps import Buy, GiveBack, Happen, Lock
from tests.rewards.rehearsal_worlds import SINCE, Story
from tests.rewards.test_rules import publish

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WALLETS = [{"key": "points", "name": "Points"}, {"key": "status", "name": "Status"}]
SPEND = {"key": "spend", "metric": "spend"}
POINTS = {"key": "status", "metric": "points", "wallet": "status"}
ORDERS = {"key": "orders", "metric": "orders"}
PERCENTS = {"silver": 200, "gold": 500, "black": 1000}
LESSONS = {"key": "lessons", "metric": "events", "event": "lesson"}


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant has a program and a customer of its own."""
    with tenant_scope(other_tenant):
        publish()
        make_order(make_customer(), [("A", 1, 9000)], SINCE + DAY)
    with tenant_scope(tenant):
        yield


def ladder(key: str, *needs: int) -> list[dict[str, Any]]:
    steps = zip(("silver", "gold", "black"), needs, strict=False)
    return [
        {"key": "base", "name": "Base", "threshold_minor": 0},
        *({"key": tier, "name": tier.title(), "thresholds": {key: need}} for tier, need in steps),
    ]


def program(tiers: list[dict[str, Any]], *criteria: dict[str, Any], **policy: Any) -> dict[str, Any]:
    """Orders earn two wallets, and points by tier: what was seen at each moment is in the sum."""
    percents = {tier["key"]: PERCENTS[tier["key"]] for tier in tiers if tier["key"] in PERCENTS}
    buy = {"type": "points", "wallet": "points", "points": 1, "per_minor": 100, "tier_percent": percents}
    status = {"type": "points", "wallet": "status"}
    rules = [
        {"key": "buy", "effects": [buy]},
        {"key": "count", "effects": [{**status, "points": 1, "per_minor": 100}]},
        {"key": "learn", "trigger": "event", "event": "lesson", "effects": [{**status, "points": 7}]},
    ]
    numbered = [{"name": "R", "priority": number, **rule} for number, rule in enumerate(rules, start=1)]
    qualification = {"criteria": list(criteria), **policy} if criteria else policy
    return {"wallets": WALLETS, "tiers": tiers, "rules": numbered, "qualification": qualification}


def buys(who: int, *days: float, money: int = 1000) -> list[Buy]:
    return [Buy(SINCE + day * DAY, who, (("A", 2, money),)) for day in days]


def lessons(who: int, *days: float) -> list[Happen]:
    return [Happen(SINCE + day * DAY, who, "lesson") for day in days]


def gives(*days: float, order: int, units: int = 2) -> list[GiveBack]:
    return [GiveBack(SINCE + day * DAY, order, ((1, units),)) for day in days]


def locks(who: int, day: float, key: str, days: int) -> Lock:
    return Lock(SINCE + day * DAY, who, key, days)


TEN: dict[str, Any] = {"window": "rolling_days", "length": 10}
SPENT = ladder("spend", 2000, 3000)
TAUGHT = {
    "wallets": WALLETS,
    "tiers": ladder("score", 10, 20),
    "qualification": {"criteria": [
        {"key": "score", "metric": "score", "bias": "0.75", "weights": {"visits": "2.5", "clv": "0.1"}}]},
    "rules": [
        {"key": "learn", "name": "L", "priority": 1, "trigger": "event", "event": "lesson",
         "effects": [{"type": "trait", "trait": "visits", "value": 3.7}]},
        {"key": "buy", "name": "B", "priority": 2, "effects": [
            {"type": "points", "wallet": "points", "points": 1, "per_minor": 100,
             "tier_percent": {"silver": 200}},
            {"type": "trait", "trait": "clv", "value": 1.0}]},
    ],
}  # fmt: skip
LIFT = {
    "key": "lift", "name": "L", "priority": 9, "when": {"order": "total_minor", "op": "gte", "value": 1500},
    "effects": [{"type": "tier", "tier": "gold", "days": 5}],
}  # fmt: skip
LIFTED = {**program(SPENT), "rules": [*program(SPENT)["rules"], LIFT]}
BOTH = [
    {"key": "base", "name": "Base", "threshold_minor": 0},
    {"key": "silver", "name": "Silver", "thresholds": {"spend": 2000, "orders": 3}},
]
LADDER = ladder("spend", 1000, 2000, 3000)


@dataclass(frozen=True)
class Case:
    """A story, and what both have to say: points by rule and tiers in the end."""

    document: dict[str, Any]
    steps: list[Any]
    days: int
    points: dict[str, int]
    tiers: dict[int, str]
    before: dict[str, Any] | None = None


STORIES: dict[str, Case] = {
    "spend of 365 days": Case(
        program(SPENT),
        [*buys(0, -364.5, 1, 2, 3), *buys(1, 1)],
        30,
        {"buy": 50, "count": 40},
        {0: "gold", 1: "base"},
    ),
    "spend of ten days": Case(
        program(SPENT, SPEND, **TEN),
        [*buys(0, -5, 1, 2, 11.5, 12), *buys(1, 1, 2)],
        21,
        {"buy": 90, "count": 60},
        {0: "silver", 1: "base"},
    ),
    "a return lowers the spend of its order": Case(
        program(SPENT, SPEND, **TEN),
        [*buys(0, -1, 1), *gives(2, 2, order=0, units=1), *buys(0, 2, 3), *gives(9.5, order=1), *buys(0, 10)],
        15,
        {"buy": 70, "count": 40},
        {0: "base", 1: "base"},
    ),
    "spend of a month": Case(
        program(SPENT, SPEND, window="rolling_months", length=1),
        [*buys(0, -11, 1, 2, 18.55, 21, 32, 33.5), *gives(5, order=1)],
        38,
        {"buy": 170, "count": 60},
        {0: "gold", 1: "base"},
    ),
    "spend of a quarter": Case(
        program(SPENT, SPEND, window="quarter"),
        [*buys(0, -90, -20, 1, 2, 19.4, 21), *gives(20, order=3), *buys(1, -90, 1, 2)],
        22,
        {"buy": 110, "count": 60},
        {0: "base", 1: "base"},
    ),
    "spend of a half year": Case(
        program(SPENT, SPEND, window="half_year"),
        [*buys(0, -90, 1, 2, 19.4)],
        20,
        {"buy": 80, "count": 30},
        {0: "base", 1: "base"},
    ),
    "spend of a year": Case(
        program(SPENT, SPEND, window="calendar_year"),
        [*buys(0, -350, -340, 1, 2, 21, 22, 23)],
        24,
        {"buy": 70, "count": 50},
        {0: "gold", 1: "base"},
    ),
    "spend of all time": Case(
        program(SPENT, SPEND, window="lifetime"),
        [*buys(0, -2000, -900, 1, 2), *gives(3, order=0)],
        5,
        {"buy": 70, "count": 20},
        {0: "gold", 1: "base"},
    ),
    "orders": Case(
        program(ladder("orders", 2, 4), ORDERS, **TEN),
        [
            *buys(0, -1, 1, 2),
            *gives(2.5, order=1, units=1),
            *buys(0, 3),
            *gives(3.5, 4, order=1, units=1),
            *buys(0, 4, 5, 11),
            *buys(1, 1),
        ],
        12,
        {"buy": 180, "count": 70},
        {0: "gold", 1: "base"},
    ),
    "events": Case(
        program(ladder("lessons", 2, 3), LESSONS, **TEN),
        [*lessons(0, -9, -8, 1, 2, 2, 3), *buys(0, 1, 1.5, 2, 4, 13, 14), *lessons(1, 1), *buys(1, 2)],
        15,
        {"buy": 140, "count": 70, "learn": 35},
        {0: "base", 1: "base"},
    ),
    "events that no rule answers to": Case(
        {
            **program(
                ladder("visits", 1, 2),
                {"key": "visits", "metric": "events", "event": "visit"},
                window="rolling_months",
                length=1,
            )
        },
        [
            *[Happen(SINCE + day * DAY, 0, "visit") for day in (-40, -30, 1, 2)],
            *buys(0, 1, 1.5, 3, 5, 34, 36),
        ],
        37,
        {"buy": 150, "count": 60},
        {0: "base", 1: "base"},
    ),
    "points": Case(
        program(ladder("status", 20, 30), POINTS, **TEN),
        [
            *buys(0, 1, 2, 3),
            *gives(3.5, order=1, units=1),
            *lessons(0, 4),
            *buys(0, 5, 11.2, 13),
            *buys(1, 1),
        ],
        16,
        {"buy": 200, "count": 70, "learn": 7},
        {0: "silver", 1: "base"},
    ),
    "points of an order of before that nobody decided": Case(
        program(ladder("status", 15, 30), POINTS, **TEN),
        [
            *buys(0, -5, money=4000),
            *buys(1, -12, money=4000),
            *gives(1, order=0, units=1),
            *gives(1, order=1, units=1),
            *buys(0, 2, 5.5),
            *buys(1, 2, 3),
        ],
        7,
        {"buy": 90, "count": 40},
        {0: "base", 1: "base"},
    ),
    "points of a month": Case(
        program(ladder("status", 20, 30), POINTS, window="rolling_months", length=1),
        [*buys(0, 1, 2, 3), *lessons(0, 4), *buys(0, 31.55, 33, 36)],
        38,
        {"buy": 160, "count": 60, "learn": 7},
        {0: "gold", 1: "base"},
    ),
    "points of a quarter": Case(
        program(ladder("status", 20, 30), POINTS, window="quarter"),
        [*buys(0, 1, 2, 3, 19.6, 21)],
        22,
        {"buy": 60, "count": 50},
        {0: "silver", 1: "base"},
    ),
    "a score of traits that rules write": Case(
        TAUGHT,
        [*buys(0, 1, 3), *lessons(0, 2), *buys(0, 3.1), *lessons(1, 3)],
        4,
        {"buy": 50},
        {0: "silver", 1: "silver"},
    ),
    "any of two": Case(
        program(BOTH, SPEND, ORDERS, combination="any", **TEN),
        [*buys(0, 1, 2, 3), *buys(1, 1, 2, 3, money=500)],
        4,
        {"buy": 55, "count": 45},
        {0: "silver", 1: "silver"},
    ),
    "both of two": Case(
        program(BOTH, SPEND, ORDERS, combination="all", **TEN),
        [*buys(0, 1, 2, 3, 4), *buys(1, 1, 2, 3, money=500)],
        5,
        {"buy": 65, "count": 55},
        {0: "silver", 1: "base"},
    ),
    "kept for a month, renewed and lost": Case(
        program(LADDER, SPEND, window="rolling_days", length=5, validity="months", valid_months=1),
        [*buys(0, 1), *buys(0, 2, 30), *buys(1, 1), *buys(0, 33)],
        39,
        {"buy": 140, "count": 50},
        {0: "gold", 1: "base"},
    ),
    "kept to the end of the next period": Case(
        program(LADDER, SPEND, window="quarter", validity="next_period"),
        [*buys(0, 1, 2, 21)],
        25,
        {"buy": 80, "count": 30},
        {0: "gold", 1: "base"},
    ),
    "with days of grace": Case(
        program(LADDER, SPEND, window="rolling_days", length=5, grace_days=3),
        [*buys(0, 1, 2, 8, 12.9, 25), *buys(1, 1, 9)],
        30,
        {"buy": 140, "count": 70},
        {0: "silver", 1: "base"},
    ),
    "down by single steps": Case(
        program(LADDER, SPEND, window="rolling_days", length=5, downgrade="single_step"),
        [*buys(0, 1, 2, 3, 9, 9.1), *buys(1, 1, 2, 3)],
        13,
        {"buy": 190, "count": 80},
        {0: "gold", 1: "base"},
    ),
    "down by single steps with a soft landing": Case(
        program(LADDER, SPEND, window="rolling_days", length=5, downgrade="single_step", soft_landing_days=4),
        [*buys(0, 1, 2, 3, 10, 18), *buys(1, 1, 2, 3)],
        21,
        {"buy": 180, "count": 80},
        {0: "silver", 1: "base"},
    ),
    "down by single steps after grace": Case(
        program(LADDER, SPEND, window="rolling_days", length=5, downgrade="single_step", grace_days=2),
        [*buys(0, 1, 2, 3), *buys(1, 1, 2, 3, 13)],
        16,
        {"buy": 210, "count": 70},
        {0: "silver", 1: "silver"},
    ),
    "never down": Case(
        program(LADDER, SPEND, window="rolling_days", length=5, downgrade="none"),
        [*buys(0, 1, 2, 12, 13)],
        15,
        {"buy": 130, "count": 40},
        {0: "gold", 1: "base"},
    ),
    "locked by staff where spend decides": Case(
        program(SPENT),
        [
            locks(0, 1, "gold", 4),
            *buys(0, 1, 2, 5.5),
            locks(1, 2, "gold", 20),
            *buys(1, 3),
            locks(1, 4, "", 0),
            *buys(1, 5),
        ],
        7,
        {"buy": 180, "count": 50},
        {0: "gold", 1: "silver"},
    ),
    "locked by staff where orders decide": Case(
        program(ladder("orders", 2, 4), ORDERS, **TEN),
        [
            locks(0, 1, "gold", 4),
            *buys(0, 1, 2, 5.5, 6),
            locks(1, 2, "gold", 20),
            *buys(1, 3),
            locks(1, 4, "", 0),
            *buys(1, 5),
        ],
        7,
        {"buy": 190, "count": 60},
        {0: "gold", 1: "silver"},
    ),
    "lifted by a rule": Case(
        LIFTED,
        [*buys(0, 1, 1.5), *buys(0, 2, money=1500), *buys(0, 3, 7.5, 8), *buys(1, 1)],
        9,
        {"buy": 210, "count": 75},
        {0: "gold", 1: "base"},
    ),
    "what was held before keeps its protection": Case(
        program(LADDER, SPEND, window="rolling_days", length=3),
        [*buys(0, -5, -4), *buys(1, -5, -4, -3), *buys(0, 4, 20, 27), *buys(1, 4, 7, 8)],
        28,
        {"buy": 450, "count": 60},
        {0: "silver", 1: "black"},
        before=program(LADDER, SPEND, window="rolling_days", length=3, validity="months", valid_months=1),
    ),
    "what was held before protects where spend decides": Case(
        program(ladder("spend", 5000)),
        [*buys(0, -5, -4), *buys(0, 1, 2), locks(1, -5, "gold", 9), *buys(1, 1, 5)],
        7,
        {"buy": 40, "count": 40},
        {0: "silver", 1: "base"},
        before=program(SPENT, SPEND, validity="months", valid_months=1),
    ),
    "another ladder than before": Case(
        program(ladder("orders", 1, 2), ORDERS, **TEN),
        [*buys(0, -5, -4), *buys(0, 1, 2), locks(1, -5, "black", 7), *buys(1, 1, 4)],
        7,
        {"buy": 130, "count": 40},
        {0: "gold", 1: "gold"},
        before=program(LADDER, SPEND),
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_rehearsed_as_it_goes_live(tenant: Tenant, actor: Actor, name: str) -> None:
    case = STORIES[name]
    story = Story(tenant, case.document, case.steps, SINCE + case.days * DAY, before=case.before, actor=actor)
    live, rehearsed = story.tell()
    assert rehearsed == live
    assert (live.points_by_rule, live.tiers) == (case.points, case.tiers)


@pytest.mark.parametrize("weight", ["0.1", "-2.5", "123456789012.000000001", "3"])
@pytest.mark.parametrize("bias", ["0", "0.3", "-7.25"])
def test_a_score_is_that_of_the_statement_over_all_members(weight: str, bias: str) -> None:
    numbers = [0.1, 1 / 3, 2.675, -4.0, 1e15, 123_456.789012345678, 0.30000000000000004, 3.0]
    criterion = {"key": "score", "metric": "score", "weights": {"x": weight, "word": 5}, "bias": bias}
    publish(tiers=ladder("score", 1), qualification={"criteria": [criterion]})
    revision = programs.published().revision  # type: ignore[union-attr]  # it was published
    members = [make_customer() for _ in numbers]
    for member, number in zip(members, numbers, strict=True):
        ComputedTrait.objects.create(customer=member, name="x", number=number, computed_at=SINCE)
        ComputedTrait.objects.create(customer=member, name="word", text="much", computed_at=SINCE)
    (read,) = revision.qualification.criteria
    found = standings.of_customers([member.pk for member in members], revision=revision, at=SINCE)
    assert [found[member.pk].values["score"] for member in members] == [
        read.score({"x": number, "word": "much"}) for number in numbers
    ]

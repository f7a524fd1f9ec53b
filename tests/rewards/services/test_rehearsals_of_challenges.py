"""A rehearsal counts challenges exactly as live would have: one story, told by both.

REHEARSAL_STORIES lengthens the part that hypothesis tells.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rewards.models import Rehearsal
from rewards.services import programs, rehearsals, verification
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import make_customer, make_order
from tests.rewards.rehearsal_steps import Ask, Buy, Freeze, GiveBack, Happen, Move, Step
from tests.rewards.rehearsal_worlds import SINCE, Story
from tests.rewards.test_rules import publish

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("REHEARSAL_STORIES", "3"))
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LESSON = {"event": "lesson"}


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant has a program and a customer of its own."""
    with tenant_scope(other_tenant):
        publish()
        make_order(make_customer(), [("A", 1, 9000)], SINCE + DAY)
    with tenant_scope(tenant):
        yield


def gift(points: int, wallet: str = "points") -> dict[str, Any]:
    return {"kind": "points", "wallet": wallet, "points": points}


def challenge(
    kind: str, target: int = 0, match: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    """A challenge named by ``key`` or its kind; what a goal says goes with its name."""
    goal = {"kind": kind, **({"match": match or {}, "target": target} if target else {})}
    goal |= {name: options.pop(name) for name in ("of", "unit", "gap", "each", "steps", "tasks", "needed")
             if name in options}  # fmt: skip
    key = options.pop("key", kind)
    return {"key": key, "name": key.title(), "goal": goal, "rewards": [gift(100)], **options}


def program(*challenges: dict[str, Any], **points: Any) -> dict[str, Any]:
    """Orders earn a point for each unit of money, which decides tiers, too; and so do challenges."""
    buy = {"type": "points", "wallet": "points", "points": 1, "per_minor": 100, "tier_percent": {"gold": 200}}
    return {
        "wallets": [{"key": "points", "name": "Points", **points}, {"key": "status", "name": "Status"}],
        "tiers": [{"key": "base", "name": "Base", "threshold_minor": 0},
                  {"key": "gold", "name": "Gold", "thresholds": {"status": 50}}],
        "qualification": {"criteria": [{"key": "status", "metric": "points", "wallet": "status"}],
                          "window": "rolling_days", "length": 20},
        "rules": [{"key": "buy", "name": "Buy", "priority": 1, "effects": [buy]}],
        "challenges": list(challenges),
    }  # fmt: skip


def buy(*days: float, who: int = 0, money: int = 1000, units: int = 2, category: str = "A") -> list[Buy]:
    return [Buy(SINCE + day * DAY, who, ((category, units, money),)) for day in days]


def give(day: float, order: int, units: int = 2) -> GiveBack:
    return GiveBack(SINCE + day * DAY, order, ((1, units),))


def learn(*days: float, who: int = 0, name: str = "lesson", **properties: Any) -> list[Happen]:
    return [Happen(SINCE + day * DAY, who, name, tuple(properties.items())) for day in days]


def ask(day: float, key: str, who: int = 0, *, is_in: bool = True) -> Ask:
    return Ask(SINCE + day * DAY, who, key, is_in)


@dataclass(frozen=True)
class Case:
    """A story, and what both have to say: (period, state) of the first member by challenge, and points."""

    document: dict[str, Any]
    steps: list[Any]
    days: int
    states: dict[str, list[tuple[str, str]]]
    points: dict[tuple[str, str], int]
    before: dict[str, Any] | None = None
    is_hindsight: bool = False


SEQUENCE = {"steps": [{"key": "a", "name": "A", "match": LESSON}, {"key": "b", "name": "B", "match": {}}]}
TASKS = {
    "tasks": [
        {"key": "learn", "name": "L", "goal": {"kind": "count", "match": LESSON, "target": 2}},
        {"key": "spend", "name": "S",
         "goal": {"kind": "sum", "match": {}, "of": "amount_minor", "target": 1500}},
        {"key": "see", "name": "V", "goal": {"kind": "distinct", "match": {}, "of": "category", "target": 2}},
    ],
    "needed": 2,
}  # fmt: skip
DECEMBER = {"kind": "dates", "starts_on": "2025-12-01", "ends_on": "2025-12-15"}
MILE = [{"at": 1, "rewards": [gift(10), gift(20, "status")]}]
MILES = [*MILE, {"at": 2, "rewards": [gift(20, "status")]}]
BUDGETED = program(
    challenge("count", 1, LESSON, recurrence="monthly", budget="b", rewards=[gift(60), gift(60, "status")])
) | {"budgets": [{"key": "b", "name": "B", "period": "program", "points": 300}]}
STORIES: dict[str, Case] = {
    "so many orders": Case(
        program(challenge("count", 2)), [*buy(1, 2, 3), *buy(1, who=1)], 4, {"count": [("1", "rewarded")]},
        {("count", "points"): 100},
    ),
    "so much money, with milestones that decide the tier": Case(
        program(challenge("sum", 3000, of="amount_minor", rewards=[gift(100), gift(40, "status")],
                          milestones=[{"at": 1500, "rewards": [gift(20, "status")]}])),
        [*buy(1, 2, 3, 4, 25), *buy(1, 2, who=1)],
        28,
        {"sum": [("1", "rewarded")]},
        {("sum", "points"): 100, ("sum", "status"): 80},
    ),
    "a sum of an event's property": Case(
        program(challenge("sum", 3, LESSON, of="score")),
        [*learn(1, 2, score=1.4), *learn(3, score=0.2), *learn(3.5, score=-5)],
        4,
        {"sum": [("1", "rewarded")]},
        {("sum", "points"): 100},
    ),
    "a budget that was drawn on before": Case(
        BUDGETED,
        [*learn(-2, 1, who=1), *learn(2, 30)],
        31,
        {"count": [("2025-12-01", "rewarded"), ("2026-01-01", "rewarded")]},
        {("count", "points"): 120, ("count", "status"): 60},
        before=BUDGETED,
    ),
    "different categories": Case(
        program(challenge("distinct", 2, of="category")),
        [*buy(1, 2), *buy(3, category="B"), *buy(1, category="B", who=1)],
        4,
        {"distinct": [("1", "rewarded")]},
        {("distinct", "points"): 100},
    ),
    "stock codes of some lines": Case(
        program(challenge("distinct", 2, of="sku"), challenge("count", 1, {"skus": ["s-2"]})),
        [*buy(1, 2), Buy(SINCE + 3 * DAY, 0, (("A", 1, 100), ("B", 1, 100)))],
        4,
        {"distinct": [("1", "rewarded")], "count": [("1", "rewarded")]},
        {("distinct", "points"): 100, ("count", "points"): 100},
    ),
    "orders and events under conditions": Case(
        program(
            challenge("count", 2, {"where": {"property": "total_minor", "op": "gte", "value": 800}}),
            challenge("count", 1, {**LESSON, "where": {"property": "score", "op": "gt", "value": 5}},
                      key="good"),
        ),
        [*buy(1, 2), *buy(1.5, money=700), *learn(1, score=5), *learn(2, score=6)],
        3,
        {"count": [("1", "rewarded")], "good": [("1", "rewarded")]},
        {("count", "points"): 100, ("good", "points"): 100},
    ),
    "left, and then it came back": Case(
        program(challenge("count", 2, opt_in=True)),
        [ask(0.5, "count"), *buy(1, 2), ask(2.5, "count", is_in=False), give(3, 0), *buy(4)],
        5,
        {"count": [("1", "in_progress")]},
        {},
    ),
    "days on end, with a day's gap": Case(
        program(challenge("streak", 3, LESSON, gap=1)),
        [*learn(-1, 0.2, 1, 3, 3.1, 6, 7, 8), *learn(1, 4, who=1)],
        10,
        {"streak": [("1", "rewarded")]},
        {("streak", "points"): 100},
    ),
    "a streak that was interrupted": Case(
        program(challenge("streak", 3, LESSON)), [*learn(1, 2)], 6, {"streak": [("1", "in_progress")]}, {},
    ),
    "steps in their order": Case(
        program(challenge("sequence", **SEQUENCE)),
        [*buy(1), *learn(2), *buy(3, 4), *buy(1, who=1), *learn(2, who=1)],
        5,
        {"sequence": [("1", "rewarded")]},
        {("sequence", "points"): 100},
    ),
    "an event of the instant in which an order completes a round belongs to that round": Case(
        program(challenge("set", **TASKS, recurrence="on_completion"),
                challenge("sequence", **SEQUENCE, recurrence="on_completion")),
        [*learn(1, 2), *buy(3, money=1500), *learn(3), *buy(1, who=1), *learn(1, who=1)],
        5,
        {"set": [("1", "rewarded")], "sequence": [("1", "rewarded")]},
        {("set", "points"): 100, ("sequence", "points"): 200},
    ),
    "two of three tasks": Case(
        program(challenge("set", **TASKS)), [*buy(1, 2), *learn(3, 4), *buy(1, category="B", who=1)], 5,
        {"set": [("1", "rewarded")]},
        {("set", "points"): 100},
    ),
    "each day": Case(
        program(challenge("count", 2, LESSON, recurrence="daily")), [*learn(0.1, 0.2, 1, 2, 2.1, 2.2)], 3,
        {"count": [("2025-12-12", "rewarded"), ("2025-12-13", "expired"), ("2025-12-14", "rewarded")]},
        {("count", "points"): 200},
    ),
    "each week and each month": Case(
        program(challenge("count", 2, recurrence="weekly"),
                challenge("sum", 2500, of="amount_minor", key="month", recurrence="monthly")),
        [*buy(0.5, 1, 3, 4, 5, 19.4, 21)],
        24,
        {"count": [("2025-12-08", "rewarded"), ("2025-12-15", "rewarded"), ("2025-12-29", "rewarded")],
         "month": [("2025-12-01", "rewarded"), ("2026-01-01", "in_progress")]},
        {("count", "points"): 300, ("month", "points"): 100},
    ),
    "again after each completion, three times at most": Case(
        program(challenge("count", 2, LESSON, recurrence="on_completion", limits={"per_customer": 3},
                          milestones=[{"at": 1, "rewards": [gift(5)]}])),
        [*learn(*range(1, 10)), *learn(1, 2, 3, who=1)],
        11,
        {"count": [("1", "rewarded"), ("2", "rewarded"), ("3", "rewarded")]},
        {("count", "points"): 425},
    ),
    "twice at most, week after week": Case(
        program(challenge("count", 1, LESSON, recurrence="weekly", limits={"per_customer": 2})),
        [*learn(1, 4, 11, 18)],
        20,
        {"count": [("2025-12-08", "rewarded"), ("2025-12-15", "rewarded"), ("2025-12-22", "expired"),
                   ("2025-12-29", "in_progress")]},
        {("count", "points"): 200},
    ),
    "one completion for all": Case(
        program(challenge("count", 2, limits={"total": 1})),
        [*buy(1, 2, 3), *buy(1, 1.5, who=1), give(4, 3), *buy(5)],
        6,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 100},
    ),
    "one completion for all, which somebody else had before the days": Case(
        program(challenge("count", 2, limits={"total": 1})),
        [*buy(-9, -8, who=1), *buy(-7, -6), *buy(1)],
        3,
        {"count": [("1", "in_progress")]},
        {},
        before=program(challenge("count", 2, limits={"total": 1})),
        is_hindsight=True,
    ),
    "one completion for all, and the time of the others ends": Case(
        program(challenge("count", 2, limits={"total": 1},
                          window={"kind": "dates", "ends_on": "2025-12-15"})),
        [*buy(1, 1.5, who=1), *buy(1, 2)],
        6,
        {"count": [("1", "expired")]},
        {("count", "points"): 100},
    ),
    "between two dates": Case(
        program(challenge("count", 2, window={"kind": "dates", "starts_on": "2025-12-14",
                                              "ends_on": "2025-12-16"})),
        [*buy(1, 2, 3, 5), *buy(2, 6, who=1)],
        8,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 100},
    ),
    "within three days": Case(
        program(challenge("count", 3, window={"kind": "rolling", "days": 3}, milestones=MILES)),
        [*buy(1, 2, 4.5, 5, 6), *buy(1, 4, 7, who=1)],
        12,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 120, ("count", "status"): 60},
    ),
    "in the first days of membership": Case(
        program(challenge("count", 2, window={"kind": "since_joining", "days": 33})),
        [*buy(1, 2, 5), *buy(2.5, 4, who=1)],
        6,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 100},
    ),
    "for those who ask, while they do": Case(
        program(challenge("count", 2, opt_in=True)),
        [*buy(1), ask(1.5, "count"), *buy(2), ask(2.5, "count", is_in=False), *buy(3),
         ask(3.5, "count"), *buy(4), *buy(1, 2, who=1)],
        5,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 100},
    ),
    "who asked before": Case(
        program(challenge("count", 3, opt_in=True, window={"kind": "since_joining", "days": 9})),
        [ask(-3, "count"), *buy(-2, 1, 2), ask(-3, "count", 1), *buy(-2.5, 1, 2, who=1),
         ask(-2, "count", 1, is_in=False), ask(1.5, "count", 1), *buy(3, who=1)],
        4,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 200},
        before=program(challenge("count", 3, opt_in=True)),
    ),
    "for a tier, and who began goes on": Case(
        program(challenge("count", 3, audience={"tiers": ["gold"]}),
                challenge("count", 1, LESSON, key="lift", rewards=[gift(60, "status")])),
        [*buy(1), *learn(2), *buy(3), *buy(23, 24), *buy(1, 2, 3, who=1)],
        25,
        {"count": [("1", "rewarded")], "lift": [("1", "rewarded")]},
        {("count", "points"): 100, ("lift", "status"): 60},
    ),
    "for a tier, and who leaves it waits": Case(
        program(challenge("count", 3, audience={"tiers": ["gold"], "leaving": "pause"}),
                challenge("count", 1, LESSON, key="lift", rewards=[gift(60, "status")],
                          recurrence="monthly")),
        [*learn(2), *buy(3, 4), *buy(23, 24), give(24.5, 1), *learn(25), *buy(26, 27)],
        28,
        {"count": [("1", "rewarded")], "lift": [("2025-12-01", "rewarded"), ("2026-01-01", "rewarded")]},
        {("count", "points"): 100, ("lift", "status"): 120},
    ),
    "a return takes progress and what was given": Case(
        program(challenge("count", 3, milestones=MILES, rewards=[gift(100), gift(7, "status")])),
        [*buy(1, 2, 2.5), give(3, 0), give(3.2, 1), give(3.5, 2, 1), *buy(4, 5), *buy(1, who=1)],
        6,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 120, ("count", "status"): 67},
    ),
    "a return takes no more than is left": Case(
        program(challenge("sum", 1500, of="amount_minor"), refund_policy="allow_debt"),
        [*buy(1, 2), Move(SINCE + 2.5 * DAY, 0, "spend", 95), give(3, 0)],
        4,
        {"sum": [("1", "in_progress")]},
        {("sum", "points"): 85},
        is_hindsight=True,
    ),
    "a return of before the days": Case(
        program(challenge("count", 2), challenge("count", 1, recurrence="weekly", key="week")),
        [*buy(-9, -8, -1), give(-0.5, 2, 1), give(1, 0), give(1.5, 2, 1), *buy(2)],
        3,
        {"count": [("1", "rewarded")], "week": [("2025-12-01", "rewarded"), ("2025-12-08", "rewarded")]},
        {("count", "points"): 0, ("week", "points"): 0},
        before=program(challenge("count", 2), challenge("count", 1, recurrence="weekly", key="week")),
    ),
    "a challenge that keeps what was reached": Case(
        program(challenge("count", 2, milestones=MILE, rolls_back=False)),
        [*buy(1, 2), give(3, 0), give(3.5, 1), *buy(1, who=1), give(4, 2)],
        5,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 120, ("count", "status"): 40},
    ),
    "again after each completion, and back": Case(
        program(challenge("count", 2, recurrence="on_completion")),
        [*buy(1, 2, 3, 4, 5), give(6, 0), give(7, 1), *buy(8, 9)],
        10,
        {"count": [("1", "rewarded"), ("2", "rewarded"), ("3", "in_progress")]},
        {("count", "points"): 200},
    ),
    "progress that rules give": Case(
        {**program(challenge("count", 3)), "rules": [
            {"key": "learn", "name": "L", "priority": 1, "trigger": "event", "event": "lesson",
             "effects": [{"type": "challenge", "challenge": "count", "progress": 1}]},
            {"key": "buy", "name": "B", "priority": 2, "effects": [
                {"type": "challenge", "challenge": "count", "progress": 1}]}]},
        [*learn(1), *buy(2), *learn(1, who=1)],
        3,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 100},
    ),
    "what was reached before, under a lower goal": Case(
        program(challenge("count", 2, milestones=MILE),
                challenge("count", 1, LESSON, key="day", recurrence="daily")),
        [*buy(-5, -4, 1), *buy(-3, 2, who=1), *learn(-4, -2, 1)],
        3,
        {"count": [("1", "rewarded")],
         "day": [("2025-12-08", "rewarded"), ("2025-12-10", "rewarded"), ("2025-12-13", "rewarded")]},
        {("count", "points"): 220, ("count", "status"): 40, ("day", "points"): 300},
        before=program(challenge("count", 5), challenge("count", 2, LESSON, key="day", recurrence="daily")),
    ),
    "what was completed before keeps its goal": Case(
        program(challenge("count", 3)),
        [*buy(-5, -4, 1), *buy(-3, 2, who=1)],
        3,
        {"count": [("1", "rewarded")]},
        {},
        before=program(challenge("count", 2)),
    ),
    "what happened before, seen afterwards": Case(
        program(challenge("count", 2, recurrence="on_completion"), challenge("streak", 3, LESSON),
                challenge("count", 2, recurrence="weekly", key="week", milestones=MILE)),
        [*buy(-9, -8, -7, 1, 2, 9), *learn(-2, -1, 1), *buy(-1, 1, who=1), give(2.5, 0), give(2.6, 3),
         *buy(3, 4)],
        10,
        {"count": [("1", "rewarded"), ("2", "rewarded"), ("3", "rewarded")], "streak": [("1", "in_progress")],
         "week": [("2025-12-01", "rewarded"), ("2025-12-08", "expired"), ("2025-12-15", "rewarded")]},
        {("count", "points"): 300, ("week", "points"): 220, ("week", "status"): 40},
        before=program(challenge("count", 2, recurrence="on_completion"), challenge("streak", 3, LESSON),
                       challenge("count", 2, recurrence="weekly", key="week", milestones=MILE)),
        is_hindsight=True,
    ),
    "what was taken back before goes on in the next round": Case(
        program(challenge("count", 2, window=DECEMBER)),
        [*buy(-9, -8), give(-4, 1)],
        10,
        {"count": [("1", "expired")]},
        {},
        before=program(challenge("count", 2, window=DECEMBER)),
        is_hindsight=True,
    ),
    "a round that was lost before goes on though nothing counted for it any more": Case(
        program(challenge("count", 2, recurrence="on_completion", window=DECEMBER)),
        [*buy(-9, -8, -7, -6), give(-4, 1), give(-3, 0), *buy(1, 2)],
        10,
        {"count": [("1", "rewarded"), ("2", "rewarded")]},
        {("count", "points"): 100},
        before=program(challenge("count", 2, recurrence="on_completion", window=DECEMBER)),
        is_hindsight=True,
    ),
    "points wait, end and are counted like others": Case(
        program(challenge("count", 2), pending={"days": 2}, expiry={"kind": "rolling", "months": 1},
                expiry_by_tier={"gold": {"kind": "calendar", "period": "year"}}),
        [*buy(1, 2)],
        3,
        {"count": [("1", "rewarded")]},
        {("count", "points"): 100},
    ),
}  # fmt: skip


def tell(tenant: Tenant, case: Case) -> None:
    story = Story(
        tenant, case.document, case.steps, SINCE + case.days * DAY, before=case.before,
        is_hindsight=case.is_hindsight,
    )  # fmt: skip
    live, rehearsed = story.tell()
    assert rehearsed.progress == live.progress
    assert rehearsed == live
    assert verification.verify_ledger(by=SYSTEM, at=story.until).findings == ()
    states: dict[str, list[tuple[str, str]]] = {}
    for (who, key, period), each in sorted(live.progress.items()):
        if who == 0:
            states.setdefault(key, []).append((period, each.state))
    assert (states, live.challenge_points) == (case.states, {k: v for k, v in case.points.items() if v})


@pytest.mark.parametrize("name", STORIES)
def test_a_story_counts_as_it_counts_live(tenant: Tenant, name: str) -> None:
    tell(tenant, STORIES[name])


FIRST, LAST = -12, 25
GOALS = st.sampled_from([
    ("count", 2, {}), ("count", 1, LESSON), ("sum", 1500, {"of": "amount_minor"}),
    ("distinct", 2, {"of": "category"}),
    ("streak", 2, LESSON | {"gap": 1}), ("sequence", 0, SEQUENCE), ("set", 0, TASKS),
])  # fmt: skip
RECURRENCES = st.sampled_from(["none", "none", "daily", "weekly", "monthly", "on_completion"])
WINDOWS = st.sampled_from([
    None, None, {"kind": "dates", "starts_on": "2025-12-10", "ends_on": "2025-12-28"},
    {"kind": "rolling", "days": 4}, {"kind": "since_joining", "days": 40},
])  # fmt: skip
AUDIENCES = st.sampled_from([None, None, {"tiers": ["gold"]}, {"tiers": ["gold"], "leaving": "pause"}])


@st.composite
def challenges(draw: st.DrawFn, key: str) -> dict[str, Any]:
    kind, target, says = draw(GOALS)
    recurrence, window = draw(RECURRENCES), draw(WINDOWS)
    match = {name: says[name] for name in ("event",) if name in says}
    goal = {name: value for name, value in says.items() if name not in match}
    options: dict[str, Any] = {
        "rolls_back": draw(st.booleans()),
        "opt_in": draw(st.sampled_from([False, False, True])),
    }
    # Streaks and sequences do not roll, and what rolls does not recur by the calendar.
    if window is not None and (window["kind"] != "rolling" or kind not in {"streak", "sequence"}):
        options["window"] = window
    # No streak of two days fits into one.
    if options.get("window", {}).get("kind") != "rolling":
        options["recurrence"] = "weekly" if (kind, recurrence) == ("streak", "daily") else recurrence
    # Nobody outside of an audience can ask, of which a rehearsal beforehand cannot know.
    if (audience := draw(AUDIENCES)) is not None and not options["opt_in"]:
        options["audience"] = audience
    limits = {
        name: draw(st.integers(1, 3)) for name in ("per_customer", "total") if draw(st.integers(0, 3)) == 0
    }
    if limits:
        options["limits"] = limits
    if target > 1 and draw(st.booleans()):
        options["milestones"] = [{"at": 1, "rewards": [gift(3), gift(30, "status")]}]
    options["rewards"] = [gift(100), *([gift(30, "status")] if draw(st.booleans()) else [])]
    return challenge(kind, target, match, key=key, **goal, **options)


@st.composite
def tales(draw: st.DrawFn) -> list[Step]:
    hours = st.integers(0, (LAST - FIRST) * 24 - 1)
    steps: list[Step] = []
    orders = draw(
        st.lists(st.tuples(hours, st.integers(0, 1), st.sampled_from("AB")), min_size=3, max_size=14)
    )
    for hour, who, category in orders:
        money = draw(st.integers(200, 1500))
        steps += buy(FIRST + hour / 24, who=who, money=money, category=category)
    for number, (hour, _who, _category) in enumerate(orders):
        if draw(st.integers(0, 2)) == 0:
            after = draw(st.integers(1, 400))
            steps.append(give(FIRST + (hour + after) / 24, number, draw(st.integers(1, 2))))
    for hour, who in draw(st.lists(st.tuples(hours, st.integers(0, 1)), max_size=12)):
        steps += learn(FIRST + hour / 24, who=who)
    for hour, who, key in draw(
        st.lists(st.tuples(hours, st.integers(0, 1), st.sampled_from("ab")), max_size=6)
    ):
        steps.append(ask(FIRST + hour / 24, key, who, is_in=draw(st.integers(0, 3)) > 0))
    for hour, who, wallet in draw(
        st.lists(st.tuples(hours, st.integers(0, 1), st.sampled_from(["points", "status"])), max_size=2)
    ):
        # The sweeps come by an instant after an order of the same hour, as the night does.
        at = SINCE + (FIRST + hour / 24) * DAY + HOUR / 2
        until = at + draw(st.integers(1, 200)) * HOUR
        if at < SINCE < until:
            # What was refused then is booked as of when it was earned: afterwards it looks like given before.
            continue
        steps += [Freeze(at, who, wallet=wallet), Freeze(until, who, is_frozen=False, wallet=wallet)]
    return [step for step in steps if step.at < SINCE + LAST * DAY]


def _is_of_before(step: Step, steps: list[Step]) -> bool:
    """Whether something of an order of before comes back."""
    orders = [each.at for each in steps if isinstance(each, Buy)]
    return isinstance(step, GiveBack) and orders[step.order] < SINCE <= step.at


@given(
    first=challenges("a"),
    second=challenges("b"),
    has_before=st.booleans(),
    changes=st.booleans(),
    steps=tales(),
)
# A story takes a second or two: the first one that differs is told as it is.
@settings(
    max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    derandomize="REHEARSAL_STORIES" not in os.environ,
)  # fmt: skip
def test_any_story_counts_as_it_counts_live(
    tenant: Tenant, first: Any, second: Any, has_before: bool, changes: bool, steps: list[Step]
) -> None:
    before = None
    if has_before:
        before = program({**first, "rewards": [gift(50)]} if changes else first, second)
    with transaction.atomic():
        # Of freezes a rehearsal beforehand cannot know.
        is_hindsight = any(isinstance(step, Freeze) for step in steps)
        if is_hindsight and any(each.get("audience") or each["opt_in"] for each in (first, second)):
            # Afterwards nobody knows of an order that came back whether it had counted before.
            steps = [step for step in steps if not _is_of_before(step, steps)]
        story = Story(
            tenant, program(first, second), steps, SINCE + LAST * DAY, before=before,
            is_hindsight=is_hindsight,
        )  # fmt: skip
        live, rehearsed = story.tell()
        transaction.set_rollback(True)
    for told in (live, rehearsed):
        # Live keeps the row of a period whose only order came back whole; nobody sees a difference to none.
        told.progress = {key: each for key, each in told.progress.items() if each.value or each.milestones}
    assert rehearsed.progress == live.progress
    assert rehearsed == live


def test_the_report_of_what_is_in_force_is_what_really_happened(tenant: Tenant) -> None:
    message = {"kind": "message", "message": "well-done"}
    live = program(
        challenge("count", 2, recurrence="weekly", milestones=MILE, rewards=[gift(100), message]),
        challenge("streak", 2, LESSON, key="days", opt_in=True),
        thousand_points_minor=2000,
    )
    steps = [*buy(-1, 1, 4, 4.5), *buy(2, who=1), *learn(1, 2), ask(-1, "days"), give(5, 1)]
    story = Story(tenant, live, steps, SINCE + 6 * DAY, before=live, is_hindsight=True)
    story.tell()
    again = {**live, "challenges": [*live["challenges"][1:], challenge("count", 1, key="new", opt_in=True)]}
    results = []
    for document in (live, again):
        draft = programs.save_draft(document=document, by=SYSTEM, at=story.until)
        rehearsals.rehearse(
            tenant=tenant, number=draft.number, days=6, by=SYSTEM, label="me", at=story.until,
            progress=lambda *_: None,
        )  # fmt: skip
        results.append(Rehearsal.objects.latest("id").result)
    same, other = results
    weekly, days = same["challenges"]
    counts = {"members": 2, "completions": 1, "milestones": 2, "points": 160, "cost_minor": 240}
    assert {name: weekly[name] for name in counts} == weekly["actual"] | counts
    # A message cannot be unsent.
    assert weekly["others"] == {"message:well-done": 2}
    assert (weekly["is_gone"], weekly["is_closed"]) == (False, False)
    streak = {"members": 1, "completions": 1, "milestones": 0, "points": 100, "cost_minor": 200}
    assert days["actual"] == streak
    assert {name: days[name] for name in counts} == days["actual"]
    assert (same["points"], same["members"]["winners"], same["members"]["losers"]) == (same["actual"], 0, 0)
    assert same["liability_change_points"] == 0
    # Without the first one everybody has less; whom a new one asks could not answer.
    days, new, gone = other["challenges"]
    assert (new["is_closed"], new["members"], new["completions"]) == (True, 0, 0)
    assert (gone["challenge"], gone["is_gone"], gone["points"], gone["actual"]["points"]) == (
        "count", True, 0, weekly["points"],
    )  # fmt: skip
    assert (other["members"]["winners"], other["members"]["losers"]) == (0, 2)
    assert other["points"]["given"] == same["points"]["given"] - 260

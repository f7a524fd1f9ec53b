"""A rehearsal keeps every lot and debt of every wallet exactly as live would have: one story, told by both.

REHEARSAL_STORIES lengthens the part that hypothesis tells.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rewards.domain.lots import LotState
from rewards.models import Rehearsal
from rewards.services import programs, rehearsals, verification
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import make_customer, make_order
from tests.rewards.rehearsal_steps import (
    SEEN_AFTERWARDS,
    Buy,
    Deliver,
    Finish,
    Free,
    GiveBack,
    Happen,
    Move,
    SetAside,
    Step,
    Undo,
)
from tests.rewards.rehearsal_worlds import SINCE, Story
from tests.rewards.test_rules import publish

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("REHEARSAL_STORIES", "3"))
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MONTH = {"kind": "rolling", "months": 1}
YEAR_END = {"kind": "calendar", "period": "year"}


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant has a program and a customer of its own."""
    with tenant_scope(other_tenant):
        publish()
        make_order(make_customer(), [("A", 1, 9000)], SINCE + DAY)
    with tenant_scope(tenant):
        yield


def program(points: dict[str, Any], *, own: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """Three wallets; a point for each unit of money in two of them, a tenth of it in the third.

    What wine earns beside that ends by ``own``.
    """
    wallets = [
        {"key": "points", "name": "Points", "allows_transfers": True, "restore_grace_days": 2, **points},
        {"key": "status", "name": "Status", "kind": "status", **status},
        {"key": "cash", "name": "Cashback", "kind": "cashback", "refund_policy": "allow_debt",
         "pending": {"days": 2}},
    ]  # fmt: skip
    effects = [
        ("buy", {"wallet": "points", "points": 1, "per_minor": 100}),
        ("count", {"wallet": "status", "points": 1, "per_minor": 100}),
        ("save", {"wallet": "cash", "points": 1, "per_minor": 10}),
        ("wine", {"wallet": "points", "points": 1, "per_minor": 150}),
        ("learn", {"wallet": "points", "points": 7}),
    ]
    rules: list[dict[str, Any]] = [
        {"key": key, "name": key, "priority": number, "effects": [{"type": "points", **effect}]}
        for number, (key, effect) in enumerate(effects, start=1)
    ]
    rules[3] |= {"lines": {"line": "category", "op": "eq", "value": "WINE"}}
    if own is not None:
        rules[3] |= {"expiry": own}
    rules[4] |= {"trigger": "event", "event": "lesson"}
    tiers = [{"key": "base", "name": "Base", "threshold_minor": 0}]
    return {"wallets": wallets, "tiers": tiers, "rules": rules}


def buy(day: float, who: int = 0, *, units: int = 2, money: int = 1000, wine: int = 0) -> Buy:
    """An order; three units of wine are its second line."""
    lines = (("A", units, money), *((("WINE", 3, wine),) if wine else ()))
    return Buy(SINCE + day * DAY, who, lines)


def give(day: float, order: int, units: int = 1, position: int = 1) -> GiveBack:
    return GiveBack(SINCE + day * DAY, order, ((position, units),))


def aside(day: float, points: int, *, days: int = 0) -> SetAside:
    return SetAside(SINCE + day * DAY, 0, points, days)


def move(day: float, how: str, points: int, who: int = 0) -> Move:
    return Move(SINCE + day * DAY, who, how, points)


@dataclass(frozen=True)
class Case:
    """A story, and what both have to say of the first member's wallet of points."""

    document: dict[str, Any]
    steps: list[Step]
    days: int
    lots: list[tuple[int, datetime | None, LotState]]
    debts: dict[tuple[int, str], int]
    before: dict[str, Any] | None = None


def day(month: int, number: int, year: int = 2026) -> datetime:
    """The start of a winter's day in New York."""
    return datetime(year, month, number, 5, tzinfo=UTC)


PENDING, ACTIVE = LotState.PENDING, LotState.ACTIVE
DEBT = {"refund_policy": "allow_debt"}
STORIES: dict[str, Case] = {
    "a return takes no other lot than its own while that has enough": Case(
        program({"expiry": MONTH}),
        [buy(0.1), buy(1), buy(2), give(3, order=2, units=2), buy(4, money=700), give(5, order=1)],
        6,
        [(10, day(1, 13), ACTIVE), (5, day(1, 14), ACTIVE), (7, day(1, 17), ACTIVE)],
        {},
    ),
    "what has expired in its own lot is taken from those that end first": Case(
        program({}, own=MONTH),
        [buy(1, wine=3000), buy(20, wine=600), give(40, 0, units=2, position=2), give(41, 0)],
        42,
        [(16, None, ACTIVE), (6, None, ACTIVE)],
        {},
    ),
    "within the balance what is gone is forgiven": Case(
        program({"expiry": MONTH}),
        [buy(1), buy(20, money=400), give(35, order=0, units=2)],
        36,
        [],
        {},
    ),
    "a debt is repaid by what is earned next, and that lot is smaller when it is asked": Case(
        program({"expiry": MONTH, **DEBT}),
        [buy(1), give(35, order=0, units=2), buy(36, money=1400), give(37, order=1), buy(38, money=200)],
        39,
        [],
        {(0, "points"): 1},
    ),
    "only pending points are taken": Case(
        program({"pending": {"days": 5}, "refund_policy": "only_pending"}),
        [buy(0.5), give(2, order=0), give(8, order=0), buy(9), give(10, order=1)],
        11,
        [(5, None, ACTIVE), (5, None, PENDING)],
        {},
    ),
    "points wait for a delivery": Case(
        program({"pending": {"event": "delivered"}, "expiry": MONTH}),
        [buy(1), buy(2), buy(3), Deliver(SINCE + 5 * DAY, 1), Deliver(SINCE + 5.5 * DAY, 1), give(6, 1),
         give(7, 2), Deliver(SINCE + 4 * DAY, 0, "lost")],
        8,
        [(10, day(1, 14), PENDING), (5, day(1, 15), ACTIVE), (5, day(1, 16), PENDING)],
        {},
    ),
    "points wait for a delivery or a day, whichever is first": Case(
        program({"pending": {"days": 6, "event": "delivered"}}),
        [buy(1), buy(2), Deliver(SINCE + 5 * DAY, 1), buy(4), give(7.5, order=0)],
        8,
        [(10, None, ACTIVE), (10, None, PENDING), (5, None, ACTIVE)],
        {},
    ),
    "points wait for a day of the calendar": Case(
        program({"pending": {"until": "2025-12-24"}}),
        [buy(1), buy(11.2), buy(11.6), give(12, order=0)],
        13,
        [(10, None, ACTIVE), (10, None, ACTIVE), (5, None, ACTIVE)],
        {},
    ),
    "points wait for staff": Case(
        program({"pending": {"event": "manual"}}),
        [buy(1), buy(2), give(3, order=0)],
        4,
        [(10, None, PENDING), (5, None, PENDING)],
        {},
    ),
    "what a member earns lets everything live on": Case(
        program({"expiry": {"kind": "inactivity", "months": 1}}),
        [buy(1), buy(20), give(22, order=1), Happen(SINCE + 25 * DAY, 0, "lesson"), buy(60), buy(61)],
        62,
        [(10, day(3, 12) - HOUR, ACTIVE), (10, day(3, 12) - HOUR, ACTIVE)],
        {},
    ),
    "each part of a rounded share comes from its own lot": Case(
        program({}, own=YEAR_END),
        [buy(1, units=3, wine=1000), *(give(day, 0, position=2) for day in (2, 3)), give(4, 0), give(5, 0)],
        6,
        [(2, day(1, 1), ACTIVE), (8, None, ACTIVE)],
        {},
    ),
    "what becomes spendable repays the debt": Case(
        program(DEBT | {"pending": {"days": 2}, "expiry": MONTH}),
        [buy(-38), give(1, order=0, units=2), buy(3, money=300), give(3.5, order=1), buy(4, money=1500)],
        8,
        [(7, day(1, 17), ACTIVE)],
        {},
        before=program({"expiry": MONTH}),
    ),
    "what was spent comes back to its lots, with days of grace past their end": Case(
        program({"expiry": MONTH}),
        [buy(1), buy(10), move(20, "spend", 15), Undo(SINCE + 36 * DAY, 0)],
        37,
        [(10, day(1, 20), ACTIVE), (10, day(1, 23), ACTIVE)],
        {},
    ),
    "what a member spends lets everything live on": Case(
        program({"expiry": {"kind": "inactivity", "months": 1}}),
        [buy(1), move(20, "spend", 3)],
        40,
        [(7, day(2, 2), ACTIVE)],
        {},
    ),
    "a return of what is spent is owed until something is earned": Case(
        program(DEBT),
        [buy(1), move(2, "spend", 8), give(3, 0, units=2), move(4, "earn", 5), Undo(SINCE + 5 * DAY, 0)],
        6,
        [(8, None, ACTIVE)],
        {(0, "points"): 3},
    ),
    "within the balance what is spent is forgiven": Case(
        program({"pending": {"days": 2}}),
        [buy(1), move(5, "spend", 8), buy(6, money=500), give(7, 0, units=2), move(9, "adjust", -1)],
        10,
        [(4, None, ACTIVE)],
        {},
    ),
    "postings of before are undone": Case(
        program({"expiry": YEAR_END}),
        [buy(-10), move(-5, "spend", 6), move(-4, "earn", 9), move(-3, "adjust", 2), move(-2, "adjust", -1),
         *(Undo(SINCE + number * DAY, number) for number in range(4))],
        5,
        [(10, None, ACTIVE)],
        {},
        before=program({}),
    ),
    "a return of an order that nobody decided has it decided first": Case(
        program({"pending": {"days": 10}}, own=MONTH),
        [buy(-45, wine=1500), buy(-5, money=700), give(-2, 0), give(1, 0), give(3, 1), give(4, 0, units=2)],
        6,
        [(15, None, ACTIVE), (4, None, ACTIVE)],
        {},
    ),
    "points given away keep their end": Case(
        program({"expiry": MONTH}),
        [buy(1), buy(4), buy(2, 1), move(5, "give", 13), move(6, "give", 1, who=1), give(7, 0)],
        8,
        [(3, day(1, 17), ACTIVE)],
        {},
    ),
    "lots of before are taken by the policy of now": Case(
        program({"refund_policy": "only_pending", "expiry": YEAR_END}, own=MONTH),
        [buy(-20, wine=1500), buy(-2, money=900), give(-1, 0, position=2), give(1, 0, position=2),
         give(1.5, 0), give(2, 1)],
        20,
        [(17, None, ACTIVE), (9, None, ACTIVE)],
        {},
        before=program({"pending": {"days": 4}}, own={"kind": "calendar", "period": "month"}),
    ),
    "what is held is neither spent nor given back nor ended": Case(
        program({"expiry": MONTH}),
        [buy(1), buy(2), aside(3, 12), move(4, "spend", 9), give(5, 1, units=2), buy(34),
         Finish(SINCE + 40 * DAY, 0, is_captured=False)],
        42,
        [(10, day(2, 16), ACTIVE)],
        {},
    ),
    "what is held is captured, though it has ended": Case(
        program({"expiry": MONTH}),
        [buy(1), aside(3, 7), buy(20), Finish(SINCE + 36 * DAY, 0)],
        37,
        [(10, day(2, 2), ACTIVE)],
        {},
    ),
    "what had ended when it was decided late still pays its own return": Case(
        program({"expiry": {"kind": "inactivity", "months": 1}, **DEBT}),
        [buy(-8), give(32, order=0)],
        34,
        [],
        {},
    ),
    "what is held stays with who gives the rest away": Case(
        program({}),
        [buy(1), aside(2, 4), move(3, "give", 3), move(4, "spend", 2, who=1), move(5, "give", 1, who=1)],
        6,
        [(1, None, ACTIVE), (7, None, ACTIVE)],
        {},
    ),
    "what is held past its end is owed to nobody": Case(
        program({"expiry": MONTH}),
        [buy(1), aside(20, 4), buy(30)],
        40,
        [(10, day(2, 12), ACTIVE)],
        {},
    ),
    "a hold that times out, and one that stays open": Case(
        program({}),
        [buy(1), aside(2, 7, days=2), aside(3, 5), move(3.5, "spend", 6), move(5, "spend", 6), aside(6, 3)],
        7,
        [(4, None, ACTIVE)],
        {},
    ),
    "holds of before are captured and given back": Case(
        program(DEBT),
        [buy(-5), buy(-4), aside(-3, 12), aside(-2.5, 2), give(1, 0, units=2), Finish(SINCE + 2 * DAY, 0),
         Finish(SINCE + 3 * DAY, 1, is_captured=False), buy(4)],
        5,
        [(2, None, ACTIVE), (6, None, ACTIVE)],
        {},
        before=program(DEBT),
    ),
    "what became usable in these days waited for it when they began": Case(
        program({"refund_policy": "only_pending"}),
        [buy(-3), move(-2, "earn", 5), give(2, 0)],
        20,
        [(5, None, ACTIVE), (5, None, ACTIVE)],
        {},
        before=program({"pending": {"until": "2025-12-24"}, "refund_policy": "only_pending"}),
    ),
    "staff release what waits for them": Case(
        program({"pending": {"event": "manual"}}),
        [buy(-2), buy(1), buy(2, wine=900), buy(3), move(3.5, "earn", 4), Free(SINCE + 4 * DAY, 0),
         Free(SINCE + 5 * DAY, 2), Free(SINCE + 6 * DAY, move=0), give(7, 2), move(8, "spend", 9)],
        9,
        [(1, None, ACTIVE), (10, None, PENDING), (10, None, PENDING), (20, None, ACTIVE), (4, None, ACTIVE)],
        {},
        before=program({"pending": {"event": "manual"}}, own=MONTH),
    ),
    "staff release what waits for a date or an event": Case(
        program({"pending": {"days": 12, "event": "delivered"}}),
        [buy(1), buy(2), move(3, "earn", 5), Free(SINCE + 4 * DAY, 0), move(5, "spend", 6),
         Deliver(SINCE + 6 * DAY, 0), Free(SINCE + 7 * DAY, move=0)],
        9,
        [(10, None, PENDING), (4, None, ACTIVE), (5, None, ACTIVE)],
        {},
    ),
}  # fmt: skip


def tell(tenant: Tenant, case: Case) -> None:
    moves = any(isinstance(step, SEEN_AFTERWARDS) for step in case.steps)
    story = Story(
        tenant, case.document, case.steps, SINCE + case.days * DAY, before=case.before, is_hindsight=moves
    )
    live, rehearsed = story.tell()
    assert rehearsed == live
    assert verification.verify_ledger(by=SYSTEM, at=story.until).findings == ()
    assert ([lot[:3] for lot in live.lots.get((0, "points"), [])], live.debts) == (case.lots, case.debts)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_leaves_the_lots_and_debts_that_it_leaves_live(tenant: Tenant, name: str) -> None:
    tell(tenant, STORIES[name])


EXPIRIES = st.sampled_from([
    None, MONTH, {"kind": "calendar", "period": "month", "grace_days": 3}, YEAR_END,
    {"kind": "inactivity", "months": 1},
])  # fmt: skip
PENDINGS = st.sampled_from([
    None, {"days": 3}, {"event": "delivered"}, {"days": 12, "event": "delivered"}, {"event": "manual"},
    {"until": "2025-12-24"},
])  # fmt: skip
MOVES = st.sampled_from(["spend", "spend", "earn", "adjust", "give"])
POLICIES = st.sampled_from(["only_pending", "within_balance", "allow_debt"])
FIRST, LAST = -20, 40


@st.composite
def wallets(draw: st.DrawFn) -> dict[str, Any]:
    # Days of grace move the end of lots; afterwards nobody knows which end those of before had.
    found: dict[str, Any] = {"refund_policy": draw(POLICIES), "restore_grace_days": 0}
    if (expiry := draw(EXPIRIES)) is not None:
        found["expiry"] = expiry
    if (pending := draw(PENDINGS)) is not None:
        found["pending"] = pending
    return found


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    points, status = draw(wallets()), draw(wallets())
    own = draw(st.sampled_from([None, MONTH, {"kind": "calendar", "period": "month"}, {"kind": "never"}]))
    moves = points.get("expiry", {}).get("kind") == "inactivity"
    return program(points, own=None if moves else own, **status)


@st.composite
def holds_and_releases(draw: st.DrawFn, orders: list[int]) -> list[Step]:
    hours, steps = st.integers(0, (LAST - FIRST) * 24 - 1), list[Step]()
    asides = st.tuples(hours, st.integers(0, 1), st.integers(1, 15), st.integers(0, 30))
    for number, (hour, who, count, days) in enumerate(sorted(draw(st.lists(asides, max_size=4)))):
        steps.append(SetAside(SINCE + (FIRST + hour / 24) * DAY, who, count, days))
        if draw(st.booleans()):
            after = draw(st.integers(1, 900)) * HOUR
            steps.append(Finish(steps[-1].at + after, number, draw(st.booleans())))
    for number, hour in enumerate(orders):
        if draw(st.integers(0, 3)) == 0:
            after = draw(st.integers(1, 500)) * HOUR
            steps.append(Free(SINCE + (FIRST + hour / 24) * DAY + after, number))
    return steps


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """Orders, and what comes after them: deliveries and returns, also of more than was bought."""
    hours = st.integers(0, (LAST - FIRST) * 24 - 1)
    steps: list[Step] = []
    orders = draw(st.lists(st.tuples(hours, st.integers(0, 1), st.integers(1, 3), st.booleans()), min_size=1,
                           max_size=9))  # fmt: skip
    for hour, who, units, has_wine in orders:
        wine = draw(st.integers(100, 2000)) if has_wine else 0
        steps.append(buy(FIRST + hour / 24, who, units=units, money=draw(st.integers(100, 3000)), wine=wine))
    for number, (hour, _who, units, has_wine) in enumerate(orders):
        if draw(st.booleans()):
            steps.append(Deliver(steps[number].at + draw(st.integers(0, 400)) * HOUR, number))
        for after, count in draw(st.lists(st.tuples(st.integers(1, 1500), st.integers(1, 2)), max_size=3)):
            position = 2 if has_wine and draw(st.booleans()) else 1
            steps.append(give(FIRST + (hour + after) / 24, number, min(count, units), position))
    moves: list[Move] = []
    for hour, who, how, count in draw(st.lists(st.tuples(hours, st.integers(0, 1), MOVES, st.integers(1, 25)),
                                               max_size=8)):  # fmt: skip
        signed = -count if how == "adjust" and draw(st.booleans()) else count
        moves.append(Move(SINCE + (FIRST + hour / 24) * DAY, who, how, signed))
    for number, move in enumerate(moves):
        if move.how != "give" and draw(st.booleans()):
            steps.append(Undo(move.at + draw(st.integers(1, 1000)) * HOUR, number))
    steps += moves
    steps += draw(holds_and_releases([hour for hour, *_ in orders]))
    lessons = draw(st.lists(hours, max_size=3))
    steps += [Happen(SINCE + (FIRST + hour / 24) * DAY, 0, "lesson") for hour in lessons]
    return [step for step in steps if step.at < SINCE + LAST * DAY]


@given(document=documents(), before=st.none() | documents(), steps=stories())
# A story takes a second or two: the first one that differs is told as it is.
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
def test_any_story_is_rehearsed_lot_by_lot(
    tenant: Tenant, document: dict[str, Any], before: dict[str, Any] | None, steps: list[Step]
) -> None:
    # So does every activity where inactivity ends points: then it is told beforehand, when nothing has moved.
    # And of orders that were decided late nobody knows afterwards that they were not before.
    moves_ends = any(each.get("expiry", {}).get("kind") == "inactivity" for each in document["wallets"])
    is_hindsight = before is not None and not moves_ends
    if not is_hindsight:
        steps = [step for step in steps if not isinstance(step, SEEN_AFTERWARDS | Undo)]
    with transaction.atomic():
        story = Story(tenant, document, steps, SINCE + LAST * DAY, before=before, is_hindsight=is_hindsight)
        live, rehearsed = story.tell()
        transaction.set_rollback(True)
    assert rehearsed == live


def test_what_members_spent_but_would_not_have_had_is_told(tenant: Tenant) -> None:
    generous = program({"thousand_points_minor": 2000})
    story = Story(tenant, generous, [buy(1), move(2, "spend", 8), buy(3, 1)], SINCE + 4 * DAY, before=None)
    story.is_hindsight = True
    story.tell()
    mean = {**generous, "rules": [{**generous["rules"][0], "effects": [
        {"type": "points", "wallet": "points", "points": 1, "per_minor": 300}]}]}  # fmt: skip
    draft = programs.save_draft(document=mean, by=SYSTEM, at=story.until)
    rehearsals.rehearse(
        tenant=tenant, number=draft.number, days=4, by=SYSTEM, label="me", at=story.until,
        progress=lambda *_: None,
    )  # fmt: skip
    points, status, _cash = Rehearsal.objects.get().result["wallets"]
    # Three points each, of which the first member spends all; live has two and ten left.
    assert (points["given"], points["spent"], points["missing"], points["available"]) == (6, 3, 5, 3)
    assert (points["liability_change_points"], points["liability_change_minor"]) == (3 - 12, 6 - 24)
    assert (status["given"], status["liability_change_points"]) == (0, -20)

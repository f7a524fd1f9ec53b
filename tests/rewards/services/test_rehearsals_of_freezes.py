"""A rehearsal treats an account as frozen exactly when live did: one story, told by both."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import make_customer, make_order
from tests.rewards.rehearsal_steps import Deliver, Freeze, Move, PostHistory, Step
from tests.rewards.rehearsal_worlds import SINCE, Story
from tests.rewards.services.test_rehearsals_of_challenges import (
    DAY,
    LESSON,
    MILE,
    buy,
    challenge,
    give,
    learn,
    program,
)
from tests.rewards.test_rules import publish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant has a program and a customer of its own."""
    with tenant_scope(other_tenant):
        publish()
        make_order(make_customer(), [("A", 1, 9000)], SINCE + DAY)
    with tenant_scope(tenant):
        yield


def freeze(day: float, who: int = 0, wallet: str = "points") -> Freeze:
    return Freeze(SINCE + day * DAY, who, wallet=wallet)


def thaw(day: float, who: int = 0, wallet: str = "points") -> Freeze:
    return Freeze(SINCE + day * DAY, who, is_frozen=False, wallet=wallet)


def history(day: float) -> PostHistory:
    return PostHistory(SINCE + day * DAY)


def two_wallets(*challenges: dict[str, Any], **points: Any) -> dict[str, Any]:
    """Orders earn in both wallets, lessons in one; a month has a cap."""
    document = program(*challenges, **points)
    plain = {"type": "points", "wallet": "points"}
    document["rules"] += [
        {"key": "status", "name": "S", "priority": 2,
         "effects": [{"type": "points", "wallet": "status", "points": 30}]},
        {"key": "lesson", "name": "L", "priority": 3, "trigger": "event", "event": "lesson",
         "effects": [{**plain, "points": 5}], "caps": [{"per": "month", "points": 10}]},
    ]  # fmt: skip
    return document


MONTH, IDLE = {"kind": "rolling", "months": 1}, {"kind": "inactivity", "months": 1}
COUNT = challenge("count", 3, milestones=MILE)
STORIES: dict[str, tuple[dict[str, Any], list[Step], dict[str, Any] | None]] = {
    "orders and events while frozen are lost": (
        two_wallets(),
        [*buy(1, 2, 3), *learn(2.1, 3.1, 4, 5), freeze(1.5), thaw(2.5), *buy(2, who=1)],
        None,
    ),
    "history gives them after all": (
        two_wallets(), [*buy(1, 2, 3), freeze(1.5), thaw(2.5), history(2.7), history(5)], None,
    ),
    "history while frozen gives nothing": (
        two_wallets(), [*buy(1, 2, 3), freeze(1.5), history(2.7), thaw(4), *buy(5)], None,
    ),
    "a return decides an order that was refused": (
        two_wallets(), [*buy(1, 2), freeze(1.5), thaw(2.5), give(3, 1, 1), give(4, 1, 1)], None,
    ),
    "a return while frozen waits for the history": (
        two_wallets(),
        [*buy(1, 2), freeze(2.5), give(3, 0, 1), give(3.5, 1), thaw(4), give(4.5, 0, 1), history(5)],
        None,
    ),
    "only one wallet is frozen": (
        two_wallets(),
        [*buy(1), *buy(1, who=1), freeze(1.5, wallet="status"), *buy(2), *learn(2), give(2.5, 0),
         thaw(3, wallet="status"), *buy(4), history(5)],
        None,
    ),
    "frozen since before": (
        two_wallets(),
        [*buy(-3, -1, 1, 2), freeze(-2), thaw(1.5), freeze(-2, 1), *buy(-3, 1, who=1)],
        two_wallets(),
    ),
    "was frozen only before": (
        two_wallets(), [*buy(-3, -1, 1), freeze(-2), thaw(-0.5), history(-0.3)], two_wallets(),
    ),
    "points that wait or end do so after it": (
        two_wallets(pending={"days": 3}, expiry=MONTH),
        [*buy(-28, 0.5, 1, 9), *buy(-28, 2, 10, who=1), freeze(1.5), thaw(8.5), freeze(1, 1)],
        two_wallets(expiry=MONTH),
    ),
    "points that live on by activity": (
        two_wallets(expiry=IDLE),
        [*buy(-28, 2, 4.5, 6), freeze(1), thaw(5), *buy(-28, 5, 9, who=1), freeze(1, 1), thaw(8, 1)],
        two_wallets(expiry=IDLE),
    ),
    "a challenge pays once the account is open": (
        two_wallets(COUNT, challenge("count", 1, LESSON, key="day", recurrence="daily")),
        [*buy(0.5, 1, 2, 3), freeze(0.7), *learn(1, 2.4), thaw(4.1), *buy(5), *buy(1, 2, who=1)],
        None,
    ),
    "a challenge takes nothing from a frozen account": (
        two_wallets(COUNT), [*buy(0.5, 1, 2), freeze(3), give(4, 0), thaw(5), *buy(6)], None,
    ),
    "what is owed is repaid when pending points become usable": (
        two_wallets(refund_policy="allow_debt", pending={"days": 2}),
        [*buy(0.5), Move(SINCE + 3 * DAY, 0, "spend", 8), give(3.5, 0), freeze(4), thaw(6.5), *buy(7)],
        None,
    ),
    "a delivery while frozen releases points once the account is open": (
        two_wallets(pending={"event": "delivered"}),
        [*buy(0.5, 1, 2), freeze(1.5), Deliver(SINCE + 2.2 * DAY, 0), Deliver(SINCE + 2.4 * DAY, 2), thaw(3),
         history(5)],
        None,
    ),
}  # fmt: skip


def tell(tenant: Tenant, document: Any, steps: list[Step], before: Any) -> None:
    live, rehearsed = Story(
        tenant, document, steps, SINCE + 12 * DAY, before=before, is_hindsight=True
    ).tell()
    for told in (live, rehearsed):
        # Live keeps the row of a period whose only order came back whole; nobody sees a difference to none.
        told.progress = {key: each for key, each in told.progress.items() if each.value or each.milestones}
    assert rehearsed.progress == live.progress
    assert rehearsed == live


@pytest.mark.parametrize("name", STORIES)
def test_a_freeze_is_played_as_it_was(tenant: Tenant, name: str) -> None:
    tell(tenant, *STORIES[name])

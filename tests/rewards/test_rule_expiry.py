"""Points of one rule end by the rule's own expiry: in their own lot, and returns take them from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rewards.models import DecisionRecord, Lot
from rewards.services import earning, history, verification
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, lots_of, make_customer, make_order, make_return
from tests.rewards.test_rules import publish

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
POINTS = {"type": "points", "wallet": "points"}
WALLETS = [{"key": "points", "name": "Points", "expiry_months": 12, "expiry_by_tier": {
    "gold": {"kind": "never"}}}]  # fmt: skip
BASE = {"effects": [{**POINTS, "points": 1, "per_minor": 100}]}
PROMOTION = {
    "effects": [{**POINTS, "points": 2, "per_minor": 100}],
    "expiry": {"kind": "rolling", "months": 1},
}
WEEKEND = {"effects": [{**POINTS, "points": 7}], "expiry": {"kind": "calendar", "period": "month"}}


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant publishes the same rules; its order stays undecided."""
    with tenant_scope(other_tenant):
        publish(BASE, PROMOTION, wallets=WALLETS)
        make_order(make_customer(), [("A", 1, 9900)])
    with tenant_scope(tenant):
        publish(BASE, PROMOTION, WEEKEND, wallets=WALLETS)
        yield
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()


def ends(customer: Any) -> list[tuple[int, datetime | None]]:
    lots = Lot.objects.filter(account__customer=customer).order_by("granted")
    return list(lots.values_list("granted", "expires_at"))


def test_every_rule_with_an_end_of_its_own_has_its_own_lot() -> None:
    customer = make_customer()
    order = make_order(customer, [("A", 2, 1000), ("B", 1, 500)])
    assert earning.award_orders([order.pk], by=SYSTEM, at=NOW) == 1
    assert earning.award_orders([order.pk], by=SYSTEM, at=NOW) == 0
    # New York: whole local days, so a midnight there; in March and April the clocks are four hours behind.
    assert ends(customer) == [
        (7, datetime(2026, 4, 1, 4, tzinfo=UTC)),
        (15, datetime(2027, 3, 15, 4, tzinfo=UTC)),
        (30, datetime(2026, 4, 15, 4, tzinfo=UTC)),
    ]
    decision = DecisionRecord.objects.get(customer=customer)
    assert (decision.points, decision.record["given"]) == (52, {"points": 52})
    assert decision.record["lines"] == {"points": {"1": 34, "2": 18}}
    assert decision.record["own_lines"] == {"points:r1": {"1": 20, "2": 10}, "points:r2": {"1": 4, "2": 3}}


def test_the_rules_expiry_wins_over_that_of_the_tier() -> None:
    customer = make_customer()
    first = make_order(customer, [("A", 1, 5000)], NOW - DAY)
    second = make_order(customer, [("A", 1, 100)], NOW)
    earning.award_orders([first.pk, second.pk], by=SYSTEM, at=NOW)
    lots = Lot.objects.filter(account__customer=customer, granted__in=[1, 2]).order_by("granted")
    assert [lot.expires_at for lot in lots] == [None, datetime(2026, 4, 15, 4, tzinfo=UTC)]


def test_a_return_takes_each_lots_share_from_that_lot() -> None:
    customer = make_customer()
    order = make_order(customer, [("A", 3, 1000), ("B", 1, 500)])
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    before = lots_of(customer)
    taken = []
    for _unit in range(3):
        document = make_return(order, {1: 1})
        earning.take_back_returns([document.pk], by=SYSTEM, at=NOW)
        assert earning.take_back_returns([document.pk], by=SYSTEM, at=NOW) == 0
        record = DecisionRecord.objects.get(event_type="return", event_id=document.pk).record
        assert record["asked"] == record["taken"]
        assert set(record["taken"]) == {"points"}
        taken.append(record["taken"]["points"])
    assert (sum(before_lot[0] for before_lot in before), sum(taken)) == (52, 34)
    # The other line's points stay in the lots they were earned into.
    assert sorted(lots_of(customer)) == [(3, 0), (5, 0), (10, 0)]
    last = make_return(order, {2: 1})
    earning.take_back_returns([last.pk], by=SYSTEM, at=NOW)
    assert balance_of(customer) == (0, 0)


def test_history_posts_the_same_lots(tenant: Tenant) -> None:
    customer = make_customer()
    order = make_order(customer, [("A", 2, 1000), ("B", 1, 500)])
    make_return(order, {2: 1})
    history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None)
    assert sorted(lots_of(customer)) == [(4, 0), (10, 0), (20, 0)]

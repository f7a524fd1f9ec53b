from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rewards.models import (
    Account,
    DecisionRecord,
    LedgerTransaction,
    Lot,
    ProgramRevision,
    RevisionState,
    TierMembership,
)
from rewards.services import earning, history, programs, starter, tiers, verification
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, lots_of, make_customer, make_order, make_return, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def program(tenant: Tenant, other_tenant: Tenant) -> Any:
    """The starter in both tenants; an order of the other one waits for its points all the time."""
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            install()
            make_order(make_customer(), [("GROCERY", 1, 9900)], NOW - 3 * DAY)
    with tenant_scope(tenant):
        yield ProgramRevision.objects.get()
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
    with tenant_scope(other_tenant):
        assert LedgerTransaction.objects.count() == 0


def install(**options: Any) -> ProgramRevision:
    return starter.install_starter(
        by=SYSTEM,
        at=NOW,
        category_percent={"WINE": 300},
        rewards=[],
        tier_thresholds_minor=(0, 10_000, 20_000, 90_000),
        **options,
    )


def test_an_order_earns_once_with_multipliers_and_tells_why(program: ProgramRevision) -> None:
    customer = make_customer()
    order = make_order(customer, [("GROCERY", 1, 1050), ("WINE", 2, 1050)])
    assert earning.award_orders([order.pk], by=SYSTEM, at=NOW) == 1
    assert earning.award_orders([order.pk], by=SYSTEM, at=NOW) == 0
    # 10.50 + 3 x 10.50 = 42 exactly; the welcome bonus is shared 1 to 1.
    assert balance_of(customer) == (142, 0)
    decision = DecisionRecord.objects.get(customer=customer)
    assert (decision.points, decision.record["tier"]) == (142, "bronze")
    assert decision.record["lines"] == {"points": {"1": 60, "2": 82}}
    later = make_order(customer, [("GROCERY", 1, 999)], NOW + DAY)
    earning.award_orders([later.pk], by=SYSTEM, at=NOW + DAY)
    record = DecisionRecord.objects.get(event_id=later.pk).record
    assert [(rule["rule"], rule["points"]) for rule in record["rules"]] == [("purchase", 9), ("welcome", 0)]
    assert record["rules"][1]["failed"] == [
        {"field": "member.orders_before", "op": "lte", "expected": 0, "actual": 1, "missing": 1}
    ]
    assert Lot.objects.get(granted=9).expires_at.isoformat() == "2028-03-16T04:00:00+00:00"


def test_a_return_takes_back_exactly_what_its_line_earned_from_its_own_lot(program: ProgramRevision) -> None:
    customer = make_customer()
    first = make_order(customer, [("GROCERY", 3, 1000), ("WINE", 1, 500)], NOW - DAY)
    second = make_order(customer, [("GROCERY", 1, 7700)], NOW)
    earning.award_orders([first.pk, second.pk], by=SYSTEM, at=NOW)
    lines = DecisionRecord.objects.get(event_id=first.pk).record["lines"]["points"]
    assert lots_of(customer) == [(125, 0), (77, 0)]
    taken = []
    for quantity in (1, 1, 1):
        document = make_return(first, {1: quantity})
        assert earning.take_back_returns([document.pk], by=SYSTEM, at=NOW) == 1
        assert earning.take_back_returns([document.pk], by=SYSTEM, at=NOW) == 0
        taken.append(-DecisionRecord.objects.get(event_type="return", event_id=document.pk).points)
    assert (sum(taken), lines["1"]) == (76, 76)
    assert taken == [25, 25, 26]
    assert lots_of(customer) == [(49, 0), (77, 0)]


def test_a_return_of_spent_points_takes_other_lots_and_records_what_it_forgave(program: Any) -> None:
    customer = make_customer()
    order = make_order(customer, [("GROCERY", 1, 5000)])
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    wallet = Account.objects.get(customer=customer).wallet
    post(customer, wallet, 20)
    post(customer, wallet, -140)
    document = make_return(order, {1: 1})
    earning.take_back_returns([document.pk], by=SYSTEM, at=NOW)
    record = DecisionRecord.objects.get(event_type="return").record
    assert (record["asked"], record["taken"]) == ({"points": 150}, {"points": 30})
    assert balance_of(customer) == (0, 0)


def test_a_return_before_its_order_was_decided_decides_the_order_first(program: Any) -> None:
    customer = make_customer()
    order = make_order(customer, [("GROCERY", 2, 2000)])
    document = make_return(order, {1: 1})
    earning.take_back_returns([document.pk], by=SYSTEM, at=NOW)
    assert balance_of(customer) == (60, 0)


def scenario() -> tuple[Any, list[int], list[int]]:
    """Spend climbs through the tiers, a return lowers it, and the first order leaves the year."""
    customer = make_customer()
    start = NOW - 500 * DAY
    orders = [
        make_order(customer, [("GROCERY", 2, 12_000)], start),
        make_order(customer, [("WINE", 1, 9_000)], start + DAY),
        make_order(customer, [("GROCERY", 1, 1_234)], start + 3 * DAY),
        make_order(customer, [("GROCERY", 1, 1_234)], start + 366 * DAY),
        make_order(None, [("GROCERY", 1, 1_234)], start + 366 * DAY),
    ]
    given_back = make_return(orders[0], {1: 1}, start + 2 * DAY)
    return customer, [order.pk for order in orders], [given_back.pk]


def test_history_respects_the_tier_of_the_time_and_equals_live_posting(
    program: Any, tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, order_ids, return_ids = scenario()
    for order_id in order_ids[:2]:
        earning.award_orders([order_id], by=SYSTEM, at=NOW)
    earning.take_back_returns(return_ids, by=SYSTEM, at=NOW)
    for order_id in order_ids[2:]:
        earning.award_orders([order_id], by=SYSTEM, at=NOW)
    live = list(
        DecisionRecord.objects.filter(customer=customer)
        .order_by("occurred_at")
        .values_list("event_type", "points", "record__tier", "record__qualifying_spend_minor")
    )
    assert live == [
        ("order", 220, "bronze", 0),
        ("order", 297, "silver", 12_000),
        ("return", -110, None, None),
        ("order", 13, "silver", 15_000),
        ("order", 12, "bronze", 1_234),
    ]

    replayed, _orders, _returns = scenario()
    monkeypatch.setattr(history, "BATCH", 2)
    seen: list[tuple[int, int]] = []
    report = history.post(
        tenant=tenant, by=SYSTEM, at=NOW, progress=lambda done, total, message: seen.append((done, total))
    )
    # The waiting order of the fixture, four orders of the replayed customer, one return.
    assert (report.orders, report.returns, seen[-1]) == (5, 1, (6, 6))
    again = DecisionRecord.objects.filter(customer=replayed).order_by("occurred_at")
    fields = ("event_type", "points", "record__tier", "record__qualifying_spend_minor")
    assert list(again.values_list(*fields)) == live
    assert balance_of(replayed) == balance_of(customer)
    assert history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None).orders == 0


def test_history_without_a_program_says_so(tenant: Tenant) -> None:
    with pytest.raises(history.NoProgram):
        history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None)


def test_tiers_follow_spend_net_of_returns_and_never_the_balance(program: Any) -> None:
    customer = make_customer()
    order = make_order(customer, [("GROCERY", 2, 24_000)], NOW - 10 * DAY)
    earning.award_orders([order.pk], by=SYSTEM, at=NOW - 10 * DAY)
    membership = TierMembership.objects.get(customer=customer)
    assert (membership.tier_key, membership.qualifying_spend_minor) == ("gold", 24_000)
    post(customer, Account.objects.get(customer=customer).wallet, -300)
    tiers.recompute(at=NOW)
    membership.refresh_from_db()
    assert (membership.tier_key, membership.since) == ("gold", NOW - 10 * DAY)
    document = make_return(order, {1: 1}, NOW)
    earning.take_back_returns([document.pk], by=SYSTEM, at=NOW)
    membership.refresh_from_db()
    assert (membership.tier_key, membership.qualifying_spend_minor, membership.since) == (
        "silver",
        12_000,
        NOW,
    )
    tiers.recompute(at=NOW + 360 * DAY)
    membership.refresh_from_db()
    assert (membership.tier_key, membership.qualifying_spend_minor) == ("bronze", 0)


def test_publishing_retires_the_former_revision_and_live_ones_never_change(program: ProgramRevision) -> None:
    document = {**program.document, "tiers": []}
    document["rules"] = [{"key": "r", "name": "R", "wallet": "points", "points": 2, "per_minor": 100}]
    with pytest.raises(programs.RevisionNotDraft):
        programs.save_draft(document=document, revision=program, by=SYSTEM, at=NOW)
    draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
    assert (draft.number, draft.state) == (2, RevisionState.DRAFT)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)
    program.refresh_from_db()
    assert (program.state, program.retired_at) == (RevisionState.RETIRED, NOW)
    customer = make_customer()
    earning.award_orders([make_order(customer, [("WINE", 1, 500)]).pk], by=SYSTEM, at=NOW)
    assert balance_of(customer) == (10, 0)
    assert LedgerTransaction.objects.get(account__customer=customer).revision_id == draft.pk


def test_a_wrong_document_names_the_field(program: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        programs.save_draft(
            document={"wallets": [{"key": "points", "name": "P", "expiry_months": 0}], "rules": 7},
            by=SYSTEM,
            at=NOW,
        )
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [
        ("/document/wallets/0/expiry_months", "invalid_integer"),
        ("/document/rules", "not_a_list"),
    ]


def test_a_monthly_cap_counts_live_batches_and_history_alike(
    program: ProgramRevision, tenant: Tenant
) -> None:
    rule = {
        "key": "r",
        "name": "R",
        "wallet": "points",
        "points": 1,
        "per_minor": 100,
        "caps": {"per_month": 15},
    }
    draft = programs.save_draft(document={**program.document, "rules": [rule]}, by=SYSTEM, at=NOW)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)
    customers = [make_customer(), make_customer()]
    moments = [NOW - 40 * DAY, NOW - DAY, NOW]
    ids = [[make_order(who, [("A", 1, 1000)], at).pk for at in moments] for who in customers]
    earning.award_orders(ids[0][:2], by=SYSTEM, at=NOW)
    earning.award_orders(ids[0][2:], by=SYSTEM, at=NOW)
    history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda *_: None)
    for who in customers:
        decided = DecisionRecord.objects.filter(customer=who).order_by("occurred_at")
        assert list(decided.values_list("points", flat=True)) == [10, 10, 5]
        cap = {"kind": "per_month", "limit": 15, "asked": 10, "given": 5}
        assert decided.last().record["rules"][0]["cap"] == cap

"""The ledger's figures, each worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from rewards.models import DecisionRecord, LedgerTransaction, TransactionKind
from rewards.queries import reports
from rewards.queries.reports import MonthOfPoints, RuleFigures
from rewards.services import earning, expiries, holds, ledger, starter
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order, make_wallet, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def elsewhere(other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[])
        customer = make_customer()
        earning.award_orders([make_order(customer, [("WINE", 1, 99_900)]).pk], by=SYSTEM, at=NOW)


def at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_nothing_yet(elsewhere: None, scope: Tenant) -> None:
    assert (reports.outstanding(), reports.by_month(), reports.top_rules()) == (0, [], [])


def test_points_by_the_tenants_months(elsewhere: None, scope: Tenant) -> None:
    customer, wallet = make_customer(), make_wallet()

    def moved(points: int, kind: TransactionKind, moment: datetime, **options: Any) -> LedgerTransaction:
        posting = post(customer, wallet, points, kind=kind, at=moment, **options)
        return LedgerTransaction.objects.get(pk=posting.transaction_id)

    # In New York the first of these hours still belongs to January.
    moved(500, TransactionKind.EARN, at(2, 1, 4))
    moved(300, TransactionKind.EARN, at(2, 1, 5), expires_at=at(3, 10))
    moved(20, TransactionKind.ADJUST, at(2, 14))
    moved(-5, TransactionKind.ADJUST, at(2, 15))
    moved(-100, TransactionKind.REDEEM, at(2, 20))
    cancelled = moved(-60, TransactionKind.REDEEM, at(2, 21))
    ledger.reverse(transaction=cancelled, source=Source("test", "undo"), by=SYSTEM, at=at(3, 2))
    moved(-40, TransactionKind.RETURN, at(3, 5))
    expired = expiries.expire_batch(at=at(3, 10)).points
    assert reports.by_month() == [
        MonthOfPoints(date(2026, 1, 1), 500, 0, 0, 0),
        MonthOfPoints(date(2026, 2, 1), 315, 160, 0, 0),
        MonthOfPoints(date(2026, 3, 1), 0, -60, expired, 40),
    ]
    assert reports.by_month(1) == [MonthOfPoints(date(2026, 3, 1), 0, -60, expired, 40)]
    assert reports.outstanding() == 500 + 315 - 160 + 60 - 40 - expired
    # What expires first is spent first: the lot of 300 paid the 5, the 100 and the 40; the 60 came back.
    assert expired == 155
    holds.open_hold(
        customer_id=customer.pk, wallet_id=wallet.pk, points=70, source=Source("till", "1"), at=NOW
    )
    assert reports.outstanding() == 520


def test_rules_by_what_they_gave(elsewhere: None, scope: Tenant) -> None:
    starter.install_starter(by=SYSTEM, at=NOW, category_percent={"WINE": 200}, rewards=[], welcome_points=50)
    first, second = make_customer(), make_customer()
    orders = [
        make_order(first, [("WINE", 1, 1000), ("BREAD", 1, 300)], at(3, 1)),
        make_order(first, [("BREAD", 2, 1000)], at(3, 2)),
        make_order(second, [("BREAD", 1, 400)], at(3, 3)),
        make_order(None, [("BREAD", 1, 9900)], at(3, 4)),
    ]
    earning.award_orders([order.pk for order in orders], by=SYSTEM, at=NOW)
    # 20 + 3, 10 and 4 points for purchases; 50 for the first order of each.
    assert reports.top_rules() == [RuleFigures("welcome", 100, 2), RuleFigures("purchase", 37, 2)]
    assert reports.top_rules(1) == [RuleFigures("welcome", 100, 2)]
    assert reports.outstanding() == 137
    decisions = reports.decisions_of(first.pk)
    assert [each.occurred_at for each in decisions] == [at(3, 2), at(3, 1)]
    assert DecisionRecord.objects.count() == 3

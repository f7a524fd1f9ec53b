"""Posting history with real commits: each page on a second connection, and runs that die in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rewards.models import Account, DecisionRecord, LedgerTransaction
from rewards.services import decisions, history, starter, verification
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order, make_return

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
ORDERS = 7


@pytest.fixture(autouse=True)
def waiting(tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Seven orders of 10.00 and a return of half the first; an order of the other tenant waits."""
    monkeypatch.setattr(history, "BATCH", 2)
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[], welcome_points=0)
            customer = make_customer()
            orders = [
                make_order(customer, [("GROCERY", 2, 1000)], NOW + day * DAY)
                for day in range(ORDERS if each is tenant else 1)
            ]
    with tenant_scope(tenant):
        make_return(orders[0], {1: 1}, NOW + ORDERS * DAY)
    yield
    with tenant_scope(other_tenant):
        assert LedgerTransaction.objects.count() == 0


def post(tenant: Tenant) -> tuple[list[int], history.HistoryReport]:
    seen: list[int] = []
    report = history.post(tenant=tenant, by=SYSTEM, at=NOW, progress=lambda done, *_: seen.append(done))
    return seen, report


def assert_all_posted_once(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        assert verification.verify_ledger(by=SYSTEM, at=NOW).findings == ()
        assert DecisionRecord.objects.count() == ORDERS + 1
        assert LedgerTransaction.objects.count() == ORDERS + 1
        assert Account.objects.get().available == ORDERS * 10 - 5
        before = DecisionRecord.objects.filter(event_type="order").order_by("occurred_at")
        assert list(before.values_list("record__orders_before", flat=True)) == list(range(ORDERS))


def test_pages_are_posted_in_order_and_reported_as_they_commit(tenant: Tenant) -> None:
    seen, report = post(tenant)
    assert seen == [2, 4, 6, 8]
    assert (report.orders, report.returns) == (ORDERS, 1)
    assert_all_posted_once(tenant)
    assert post(tenant)[1].orders == 0


@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_run_that_died_is_resumed_without_posting_twice(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    carry_out, calls = decisions.carry_out_returns, 0

    def die(*arguments: Any, **options: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == page:
            raise ConnectionAbortedError
        return carry_out(*arguments, **options)

    monkeypatch.setattr(decisions, "carry_out_returns", die)
    with pytest.raises(ConnectionAbortedError):
        post(tenant)
    monkeypatch.undo()
    with tenant_scope(tenant):
        # The page that died took its postings with it; those before it stay.
        assert LedgerTransaction.objects.count() == 2 * (page - 1)
    _, report = post(tenant)
    assert report.orders == ORDERS - 2 * (page - 1)
    assert_all_posted_once(tenant)

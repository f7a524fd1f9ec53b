from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.queries import customers, dashboard, profile, timeline
from tenants.models import Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def test_search_finds_beginnings_best_first(crowd: Tenant, scope: Tenant) -> None:
    by_id = factories.customer("ann-1")
    by_email = factories.customer("x1", person={"email": "Ann@example.com"})
    by_family = factories.customer("x2", person={"given_name": "Bob", "family_name": "Annan"})
    by_given = factories.customer("x3", person={"given_name": "Anna", "family_name": "Zu Li"})
    by_card = factories.customer("x4", identities=(("card", "ann77"),))
    assert customers.ids_found("ann") == [each.pk for each in (by_id, by_email, by_family, by_given, by_card)]
    assert customers.ids_found("  ANNA zu ") == [by_given.pk]
    assert [each.pk for each in customers.search("ann", 2)] == [by_id.pk, by_email.pk]
    assert customers.ids_found("c1") == []
    assert customers.ids_found("a") == []
    assert customers.ids_found("%nn") == []


def test_timeline_pages_through_everything_once(crowd: Tenant, scope: Tenant) -> None:
    customer = factories.customer("c1")
    for day in range(4):
        order = factories.order(f"o{day}", customer, placed_at=NOW - timedelta(days=day))
        factories.event(customer, f"m{day}", occurred_at=NOW - timedelta(days=day))
    factories.returned("r1", order, {1: 1}, returned_at=NOW - timedelta(days=1))
    seen: list[tuple[str, str]] = []
    before = None
    while True:
        page = timeline.page(customer.pk, before=before, limit=2)
        seen += [(entry.kind, entry.reference) for entry in page.entries]
        before = page.next_before
        if before is None:
            break
    assert seen == [
        ("order", "o0"), ("event", "m0"), ("return", "r1"), ("order", "o1"), ("event", "m1"),
        ("order", "o2"), ("event", "m2"), ("order", "o3"), ("event", "m3"),
    ]  # fmt: skip
    assert [entry.amount_minor for entry in timeline.page(customer.pk, kinds=["return"]).entries] == [-1000]


def test_sections_are_loaded_once_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[int]] = []

    def points(ids: list[int]) -> dict[int, int]:
        calls.append(ids)
        return {1: 40}

    monkeypatch.setattr(profile, "_loader_by_name", {})
    profile.register_section("points", points)
    assert profile.sections([1, 2]) == {1: {"points": 40}, 2: {"points": None}}
    assert profile.sections([]) == {}
    assert calls == [[1, 2]]


def test_revenue_in_the_tenants_own_days(crowd: Tenant, scope: Tenant) -> None:
    buyer, zone = factories.customer("c1"), ZoneInfo("America/New_York")
    late_evening = datetime(2026, 3, 8, 3, 30, tzinfo=UTC)
    order = factories.order("o1", buyer, [("a", 1, 100)], placed_at=late_evening)
    factories.order("o2", buyer, [("a", 1, 250)], placed_at=late_evening + timedelta(hours=10))
    factories.order("o3", None, [("a", 1, 50)], placed_at=late_evening + timedelta(hours=11))
    factories.returned("r1", order, {1: 1}, returned_at=late_evening + timedelta(days=2))
    span = {"since": late_evening - timedelta(days=9), "until": NOW, "zone": zone}
    days = dashboard.revenue(period=dashboard.Period.DAY, **span)
    assert days == [
        dashboard.RevenuePoint(date(2026, 3, 7), 1, 1, 100, 0),
        dashboard.RevenuePoint(date(2026, 3, 8), 2, 1, 300, 0),
        dashboard.RevenuePoint(date(2026, 3, 9), 0, 0, 0, 100),
    ]
    weeks = dashboard.revenue(period=dashboard.Period.WEEK, **span)
    assert [(each.starts_on, each.revenue_minor) for each in weeks] == [
        (date(2026, 3, 2), 400),
        (date(2026, 3, 9), 0),
    ]
    months = dashboard.revenue(period=dashboard.Period.MONTH, **span)
    assert [(each.starts_on, each.orders) for each in months] == [(date(2026, 3, 1), 3)]
    factories.customer("c2")
    assert dashboard.customer_counts(since=late_evening, until=NOW) == dashboard.CustomerCounts(2, 1, 1)
    assert dashboard.last_activity() == late_evening + timedelta(hours=11)

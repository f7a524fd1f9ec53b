"""Profiles: exact aggregates of a customer's own history, for those who were touched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.domain.events import NewEvent
from crm.models import Customer, CustomerProfile, OrderSummary, RfmScale
from crm.queries import behaviour
from crm.services import ingest, profiles, segment_refresh
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db
# One hour before midnight in the tenant's zone.
EVENING = datetime(2026, 3, 10, 23, tzinfo=ZoneInfo("America/New_York"))


def seen(external_id: str, *events: tuple[int, str, dict[str, Any]]) -> None:
    batch = [
        NewEvent(
            f"{external_id}-{after}", name, EVENING + timedelta(minutes=after), external_id, properties=given
        )
        for after, name, given in events
    ]
    ingest.accept(batch=batch, by=SYSTEM, at=NOW)


def profile_of(customer: Customer) -> CustomerProfile:
    return CustomerProfile.objects.get(customer=customer)


def test_a_history_becomes_a_profile(crowd: Tenant, scope: Tenant) -> None:
    ann = factories.customer("c1")
    for sku, category in (("w", "wine"), ("b", "beer")):
        factories.item(sku, category=category)
    factories.order("o1", ann, [("w", 1, 900), ("b", 1, 300)], placed_at=EVENING, channel="web")
    factories.order("o2", ann, [("w", 2, 200)], placed_at=EVENING + timedelta(days=3), channel="shop")
    factories.order("o3", ann, [("w", 1, 201)], placed_at=EVENING - timedelta(days=1), channel="web")
    seen(
        "c1",
        (-20, "page_viewed", {"utm_source": "news", "utm_medium": "mail", "utm_campaign": "spring"}),
        (0, "product_clicked", {}),
        (29, "click", {}),
        (60, "page_viewed", {"channel": "app"}),
    )
    profiles.refresh(customer_ids=[ann.pk], at=NOW)
    found = profile_of(ann)
    assert (found.average_basket_minor, found.days_between_orders) == (600, 2.0)
    assert (found.favourite_category, found.category_shares) == ("wine", {"wine": 0.8334, "beer": 0.1666})
    assert (found.favourite_channel, found.first_touch, found.last_touch) == ("web", "web", "shop")
    assert (found.events_count, found.clicks_count, found.sessions_count) == (4, 2, 2)
    assert found.time_spent_seconds == 49 * 60
    assert found.active_days == 4
    assert found.computed_at == NOW
    assert behaviour.traits_of([ann.pk])[ann.pk]["category_share.wine"] == 0.8334


def test_the_first_touch_is_the_campaign_that_brought_the_customer(scope: Tenant) -> None:
    ann = factories.customer("c1")
    seen(
        "c1",
        (0, "page_viewed", {"utm_source": "news", "utm_campaign": "spring"}),
        (1, "x", {"channel": "app"}),
    )
    profiles.refresh(customer_ids=[ann.pk], at=NOW)
    assert (profile_of(ann).first_touch, profile_of(ann).last_touch) == ("news / spring", "app")


def test_somebody_without_history_has_zeros_and_unknowns(scope: Tenant) -> None:
    ann = factories.customer("c1")
    profiles.refresh(customer_ids=[ann.pk], at=NOW)
    found = profile_of(ann)
    assert (found.events_count, found.active_days, found.average_basket_minor, found.rfm_recency) == (
        0,
        0,
        None,
        None,
    )


def test_cells_are_fifths_of_the_buyers_and_ties_share_one(crowd: Tenant, scope: Tenant) -> None:
    people = [factories.customer(f"c{number}") for number in range(10)]
    for number, each in enumerate(people):
        OrderSummary.objects.create(
            customer=each, orders_count=1 if number < 6 else number, revenue_minor=100 * number,
            first_order_at=NOW, last_order_at=NOW - timedelta(days=number),
        )  # fmt: skip
    profiles.refresh_everyone(tenant=scope, at=NOW)
    cells = [profile_of(each) for each in people]
    assert [each.rfm_recency for each in cells] == [5, 5, 5, 4, 4, 3, 3, 2, 2, 1]
    assert [each.rfm_frequency for each in cells] == [4, 4, 4, 4, 4, 4, 4, 5, 5, 5]
    assert [each.rfm_monetary for each in cells] == [1, 2, 2, 3, 3, 4, 4, 5, 5, 5]
    scale = RfmScale.objects.get()
    assert scale.monetary_from == [100, 300, 500, 700]
    newcomer = factories.customer("c10")
    factories.order("late", newcomer, [("a", 1, 650)], placed_at=NOW)
    profiles.refresh(customer_ids=[newcomer.pk], at=NOW)
    late = profile_of(newcomer)
    assert (late.rfm_recency, late.rfm_frequency, late.rfm_monetary) == (5, 4, 4)


def test_only_those_who_were_touched_are_read_anew(crowd: Tenant, scope: Tenant) -> None:
    ann, bob = factories.customer("c1"), factories.customer("c2")
    segment_refresh.refresh_touched(tenant=scope, at=NOW)
    factories.trait(bob, "churn_risk", 0.5)
    factories.order("o1", ann)
    segment_refresh.refresh_touched(tenant=scope, at=NOW + timedelta(minutes=1))
    assert profile_of(ann).average_basket_minor == 1000
    assert not CustomerProfile.objects.filter(customer=bob).exists()


def test_a_profile_is_fresh_before_the_segments_that_read_it(scope: Tenant) -> None:
    segment = factories.segment("big", rule={"trait": "average_basket_minor", "op": "gte", "value": 1000})
    factories.order("o1", factories.customer("c1"))
    segment_refresh.refresh_touched(tenant=scope, at=NOW)
    segment.refresh_from_db()
    assert segment.member_count == 1

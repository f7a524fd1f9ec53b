"""A profile to which events were added is the profile that reading the whole history gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.domain.events import NewEvent
from crm.models import Customer, CustomerProfile, CustomerTouch
from crm.receivers import note_customers
from crm.services import customer_touches, ingest, profile_additions, profiles, segment_refresh
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db
TOPIC = "crm.events_recorded"
EVENTS = st.tuples(
    st.one_of(st.integers(-30, 30), st.integers(-3000, 3000)),
    st.sampled_from(["click", "ad_clicked", "viewed"]),
    st.sampled_from([{}, {"utm_source": "news"}, {"utm_source": "", "channel": "app"}, {"sku": "w"}]),
    st.integers(0, 2_000_000),
)
# Batches arrive one after the other, most of them later than all before; an order may come between.
BATCHES = st.lists(st.tuples(st.lists(EVENTS, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=4)


def receive(number: int, events: list[Any], start: datetime) -> None:
    batch = [
        NewEvent(f"{number}-{place}", name, start + timedelta(minutes=minutes, microseconds=micro), "c1",
                 properties=given)
        for place, (minutes, name, given, micro) in enumerate(events)
    ]  # fmt: skip
    ingest.accept(batch=batch, by=SYSTEM, at=NOW)
    for message in OutboxMessage.objects.filter(topic=TOPIC):
        note_customers(payload=message.payload, at=NOW)
    OutboxMessage.objects.all().delete()


def figures(customer: Customer) -> dict[str, Any]:
    [row] = CustomerProfile.objects.filter(customer=customer).values()
    return {name: value for name, value in row.items() if name not in {"id", "computed_at"}}


def read_anew(customer: Customer) -> dict[str, Any]:
    profiles.refresh(customer_ids=[customer.pk], at=NOW)
    return figures(customer)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=BATCHES)
def test_parts_add_up_to_the_whole(crowd: Tenant, scope: Tenant, batches: Any) -> None:
    with transaction.atomic():
        _check(scope, batches)
        transaction.set_rollback(True)


def _check(scope: Tenant, batches: Any) -> None:
    ann = factories.customer("c1")
    for number, (events, has_order) in enumerate(batches):
        start = NOW - timedelta(days=10) + timedelta(minutes=25 * number)
        if has_order:
            factories.order(f"o{number}", ann, placed_at=start, channel="web")
        receive(number, events, start)
        run = segment_refresh.refresh_touched(tenant=scope, at=NOW)
        assert run is not None
        assert run.error == ""
        assert figures(ann) == read_anew(ann)


def test_new_events_are_added_and_late_ones_ask_for_the_history(crowd: Tenant, scope: Tenant) -> None:
    ann, bob = factories.customer("c1"), factories.customer("c2")
    receive(0, [(0, "click", {}, 0)], NOW)
    profiles.refresh(customer_ids=[ann.pk], at=NOW)
    receive(1, [(10, "click", {}, 0), (50, "viewed", {}, 0)], NOW)
    since = {ann.pk: NOW + timedelta(minutes=10), bob.pk: NOW}
    with CaptureQueriesContext(
        connection,
    ) as said:
        assert profile_additions.add(since_by_customer=since, at=NOW) == {bob.pk}
    assert not any("crm_order" in each["sql"] for each in said)
    found = CustomerProfile.objects.get()
    assert (found.events_count, found.clicks_count, found.sessions_count) == (3, 2, 2)
    assert (found.time_spent_seconds, found.active_days) == (600, 1)
    assert (found.last_event_at, found.seen_until) == (NOW + timedelta(minutes=50),) * 2
    assert profile_additions.add(since_by_customer=since, at=NOW) == {ann.pk, bob.pk}


def test_a_note_says_from_when_on_unless_anything_else_happened(scope: Tenant) -> None:
    ann, bob = factories.customer("c1"), factories.customer("c2")
    CustomerTouch.objects.all().delete()
    receive(0, [(5, "x", {}, 0), (3, "x", {}, 0)], NOW)
    receive(1, [(4, "x", {}, 0)], NOW)
    customer_touches.add([ann.pk, bob.pk], is_history=False)
    noted = customer_touches.waiting(10)
    assert (noted.since_by_customer, noted.history_ids) == ({ann.pk: NOW + timedelta(minutes=3)}, ())
    customer_touches.add([ann.pk])
    noted = customer_touches.waiting(10)
    assert (noted.since_by_customer, noted.history_ids) == ({}, (ann.pk,))

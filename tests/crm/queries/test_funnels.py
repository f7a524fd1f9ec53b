"""Funnels agree with a walk through each customer's events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.domain.rules import EventPattern
from crm.models import Customer, Event
from crm.queries import funnels
from tenants.models import Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("America/New_York")
DAY = date(2026, 3, 10)
START = datetime(2026, 3, 10, 12, tzinfo=ZONE)


def write(customer: Customer, events: Sequence[tuple[str, int]]) -> None:
    Event.objects.bulk_create(
        [
            Event(
                message_id=f"{customer.pk}-{place}", name=name, occurred_at=START + timedelta(hours=hours),
                received_at=NOW, customer=customer, properties={"paid": hours % 2 == 0},
            )
            for place, (name, hours) in enumerate(events)
        ]
    )  # fmt: skip


def reached(steps: Sequence[str], events: Sequence[tuple[str, int]], within_hours: int, before: int) -> int:
    """Return how many steps somebody got, by trying every chain."""
    best = 0

    def follow(step: int, hours: int, start: int) -> None:
        nonlocal best
        best = max(best, step)
        if step < len(steps):
            for name, at in events:
                if name == steps[step] and at > hours and at - start <= within_hours:
                    follow(step + 1, at, start)

    for name, at in events:
        if name == steps[0] and at < before:
            follow(1, at, at)
    return best


HISTORIES = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=7), min_size=1, max_size=4
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(histories=HISTORIES, steps=st.lists(st.sampled_from("abc"), min_size=2, max_size=4))
def test_every_chain_counts(scope: Tenant, histories: list[list[tuple[str, int]]], steps: list[str]) -> None:
    Event.objects.all().delete()
    for events in histories:
        write(Customer.objects.create(created_at=NOW, updated_at=NOW), events)
    depths = [reached(steps, events, 24, 12) for events in histories]
    groups = funnels.funnel(
        [EventPattern(name) for name in steps], within_days=1, first_on=DAY, last_on=DAY, at=NOW, zone=ZONE
    )
    counted = [step.customers for group in groups for step in group.steps]
    expected = [sum(depth >= place for depth in depths) for place in range(1, len(steps) + 1)]
    assert counted == (expected if expected[0] else [])


def test_times_and_breakdown(crowd: Tenant, scope: Tenant) -> None:
    for number, (city, events) in enumerate(
        [
            ("Leeds", [("a", 0), ("b", 2), ("c", 5)]),
            ("Leeds", [("a", 0), ("b", 4)]),
            ("York", [("a", 1), ("a", 2), ("b", 3)]),
        ]
    ):
        write(factories.customer(f"c{number}", attributes={"city": city}), events)
    steps = [EventPattern(name) for name in "abc"]
    asked = {"within_days": 2, "first_on": DAY, "last_on": DAY, "at": NOW, "zone": ZONE}
    [everybody] = funnels.funnel(steps, **asked)  # type: ignore[arg-type]
    assert [step.customers for step in everybody.steps] == [3, 3, 1]
    assert [step.median_seconds for step in everybody.steps] == [None, 7200.0, 10800.0]
    assert everybody.steps[2].share_of_previous == pytest.approx(1 / 3)
    by_city = funnels.funnel(steps, attribute="city", **asked)  # type: ignore[arg-type]
    assert [(group.value, group.steps[0].customers) for group in by_city] == [("Leeds", 2), ("York", 1)]

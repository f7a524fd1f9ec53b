"""Points that wait for an event about their order, whatever comes first and whatever was published since."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from crm.models import Customer, Event, Order
from crm.services import partitions
from rewards import receivers
from rewards.models import Account
from rewards.services import earning, lots, verification
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order
from tests.rewards.test_rules import publish

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BUY = {"effects": [{"type": "points", "wallet": "points", "points": 1, "per_minor": 100}]}


def publish_waiting(event: str, at: datetime = NOW - 9 * DAY) -> None:
    publish(BUY, at=at, wallets=[{"key": "points", "name": "Points", "pending": {"days": 0, "event": event}}])


@pytest.fixture
def order(tenant: Tenant, other_tenant: Tenant) -> Any:
    """An order of ten points; another tenant has one of the same name that waits for the same."""
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            publish_waiting("order_delivered")
            order = make_order(make_customer(), [("A", 1, 1000)])
            Order.objects.filter(pk=order.pk).update(external_id="A-1")
            if each == other_tenant:
                award(order)
    with tenant_scope(tenant):
        yield Order.objects.get()
    with tenant_scope(other_tenant):
        assert points() == (10, 0)


def award(order: Order) -> None:
    """Decide an order, and hear of what was told on the way."""
    assert earning.award_orders([order.pk], by=SYSTEM, at=NOW) == 1
    hear()


def hear() -> None:
    for message in OutboxMessage.objects.filter(topic=lots.WAITING_TOPIC):
        receivers.release_what_happened(payload=message.payload, at=NOW)


def delivered(
    order: Order, name: str = "order_delivered", at: datetime = NOW, customer: Customer | None = None
) -> int:
    partitions.ensure(first=at.date(), last=at.date())
    event = Event.objects.create(
        message_id=f"m-{name}", occurred_at=at, received_at=at, name=name,
        customer=customer or order.customer, properties={"order_id": order.external_id},
    )  # fmt: skip
    return lots.release_after_events(message_ids=[event.message_id], first_at=at, last_at=at, at=at)


def points() -> tuple[int, int]:
    account = Account.objects.get()
    return account.pending, account.available


@pytest.mark.parametrize("at", [NOW, NOW - timedelta(hours=20)])
def test_a_delivery_told_before_the_order_was_decided_counts(order: Order, at: datetime) -> None:
    assert delivered(order, at=at) == 0
    award(order)
    assert points() == (0, 10)


@pytest.mark.parametrize("name", ["order_shipped", "Order_delivered"])
def test_another_event_before_the_decision_releases_nothing(order: Order, name: str) -> None:
    delivered(order, name)
    award(order)
    assert points() == (10, 0)
    assert delivered(order) == 10


def test_nothing_is_told_of_orders_whose_points_wait_for_nothing(order: Order) -> None:
    publish(BUY, at=NOW - DAY)
    award(order)
    assert points() == (0, 10)
    assert not OutboxMessage.objects.filter(topic=lots.WAITING_TOPIC).exists()


def test_points_of_a_former_revision_wait_for_what_that_said(order: Order) -> None:
    """The program asks for another event since; members do not lose what they earned."""
    award(order)
    publish_waiting("parcel_arrived", at=NOW)
    assert delivered(order, "parcel_arrived", at=NOW + DAY) == 0
    assert delivered(order, at=NOW + DAY) == 10
    assert points() == (0, 10)


def test_a_delivery_while_the_account_was_frozen_counts_once_it_is_open_again(order: Order) -> None:
    award(order)
    Account.objects.update(frozen_at=NOW)
    assert delivered(order) == 0
    verification.unfreeze(account=Account.objects.get(), by=SYSTEM, at=NOW, reason="Explained")
    hear()
    assert points() == (0, 10)


def test_a_release_by_the_api_decides_the_order_first(api: Any, order: Order) -> None:
    body = {"event": "order_delivered", "order": order.external_id}
    for released in (10, 0):
        answer = api.post("/points/release", body, Idempotency_Key=str(uuid4()))
        assert (answer.status_code, answer.json()) == (200, {"points": released})
    assert points() == (0, 10)

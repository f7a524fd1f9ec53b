"""What well-known events do, through the outbox as a worker does it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.domain.events import NewEvent
from crm.models import Customer, Event, EventReject, Feedback, Identity, Item, Order, Return
from crm.services import event_replays, ingest
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.services import outbox
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
LINES = [{"sku": "mug", "quantity": 2, "unit_price_minor": 500}, {"sku": "cup", "unit_price_minor": 300}]


def send(tenant: Tenant, *events: NewEvent) -> None:
    ingest.accept(batch=events, by=SYSTEM, at=NOW)
    deliver(tenant)


def deliver(tenant: Tenant) -> None:
    for message in OutboxMessage.objects.filter(state="pending", topic__startswith="crm.").order_by("pk"):
        assert outbox.deliver(tenant_id=tenant.pk, message_id=message.pk, at=NOW)


def new(name: str, message_id: str = "m1", minutes: int = 0, **options: Any) -> NewEvent:
    properties = options.pop("properties", {})
    identity = options or {"external_id": "c1"}
    return NewEvent(message_id, name, NOW + timedelta(minutes=minutes), properties=properties, **identity)


def test_orders_and_returns(crowd: Tenant, scope: Tenant) -> None:
    order = new("order_completed", properties={"order_id": "o1", "lines": LINES})
    back = new("order_returned", "m2", 1, properties={"order_id": "o1", "lines": [{"sku": "mug"}]})
    send(scope, back, order)
    made = Order.objects.get()
    assert (made.external_id, made.customer.external_id, made.total_minor, made.currency) == (
        "o1", "c1", 1300, "USD",
    )  # fmt: skip
    assert made.placed_at == NOW
    assert (Return.objects.get().external_id, Return.objects.get().total_minor) == ("m2", 500)
    assert set(Item.objects.values_list("external_id", flat=True)) == {"mug", "cup"}
    # A worker may do its message again, and a client may tell the order again.
    OutboxMessage.objects.filter(topic="crm.events_recorded").update(state="pending")
    send(scope, new("order_completed", "m3", properties={"order_id": "o1", "lines": LINES}))
    assert (Order.objects.count(), Return.objects.count(), EventReject.objects.count()) == (1, 1, 0)


def test_a_return_before_its_order_is_applied_later(scope: Tenant) -> None:
    send(scope, new("order_returned", "m2", 1, properties={"order_id": "o1"}))
    kept = EventReject.objects.get()
    assert (kept.source, kept.reason, kept.detail) == ("effect", "not_usable", "there is no order o1 yet")
    assert Event.objects.count() == 1
    send(scope, new("order_completed", properties={"order_id": "o1", "lines": LINES}))
    assert event_replays.replay_page(
        rejects=EventReject.objects.all(), after_id=0, by=SYSTEM, at=NOW
    ) == (kept.pk, 1, 1)  # fmt: skip
    assert Return.objects.get().total_minor == 1300


def test_an_order_that_does_not_add_up_is_kept_with_the_reason(scope: Tenant) -> None:
    bad = [{"sku": "mug", "quantity": 0, "unit_price_minor": 5}]
    send(scope, new("order_completed", properties={"order_id": "o1", "lines": bad}))
    kept = EventReject.objects.get()
    assert (kept.reason, kept.detail) == (
        "invalid_input",
        "/lines/0/quantity The quantity must be above zero.",
    )
    assert Order.objects.count() == 0


def test_items_are_made_and_not_changed(scope: Tenant) -> None:
    send(scope, new("product_viewed", properties={"sku": "a", "name": "Apple", "category": "Fruit"}))
    send(scope, new("product_added", "m2", properties={"product_id": "a", "name": "Other"}))
    item = Item.objects.get()
    assert (item.external_id, item.name, item.category) == ("a", "Apple", "Fruit")


def test_feedback_is_recorded_once_and_nonsense_is_kept(scope: Tenant) -> None:
    good = new("feedback_submitted", properties={"rating": 5, "text": "Lovely", "sku": "mug"})
    send(scope, good, new("feedback_submitted", "m2", properties={"kind": "nps", "rating": 11}))
    OutboxMessage.objects.filter(topic="crm.events_recorded").update(state="pending")
    deliver(scope)
    row = Feedback.objects.get()
    assert (row.kind, row.rating, row.text, row.customer.external_id) == ("review", 5, "Lovely", "c1")
    assert set(EventReject.objects.values_list("message_id", "detail")) == {("m2", "/rating From 0 to 10.")}


def test_identify_writes_the_person_and_empties_the_event(scope: Tenant) -> None:
    traits = {"email": "Ann@Example.com", "first_name": "Ann", "plan": "pro"}
    send(scope, new("identified", properties=traits))
    customer = Customer.objects.get(external_id="c1")
    assert (customer.person.email, customer.person.given_name) == ("Ann@Example.com", "Ann")
    assert customer.attributes == {"plan": "pro"}
    assert Identity.objects.get(kind="email").customer == customer
    assert Event.objects.get().properties == {"plan": "pro"}


def test_a_late_identify_fills_only_gaps(scope: Tenant) -> None:
    send(scope, new("identified", "m2", 0, properties={"first_name": "New", "plan": "pro"}))
    send(
        scope,
        new("identified", "m1", -60, properties={"first_name": "Old", "last_name": "Lee", "plan": "free"}),
    )
    customer = Customer.objects.get()
    assert (customer.person.given_name, customer.person.family_name) == ("New", "Lee")
    assert customer.attributes == {"plan": "pro"}


def test_anothers_address_is_no_identity(scope: Tenant) -> None:
    send(scope, new("identified", properties={"email": "a@b.example"}))
    send(scope, new("identified", "m2", external_id="c2", properties={"email": "a@b.example"}))
    assert Identity.objects.get(kind="email").customer.external_id == "c1"
    assert Customer.objects.get(external_id="c2").person.email == "a@b.example"


def test_anonymous_history_joins_on_identify(crowd: Tenant, scope: Tenant) -> None:
    send(scope, new("page_viewed", "m0", anonymous_id="anon"))
    send(scope, new("identified", "m1", 5, external_id="c1", anonymous_id="anon"))
    send(scope, new("page_viewed", "m2", 6, anonymous_id="anon"))
    known = Customer.objects.get(external_id="c1")
    assert known.events.count() == 3
    assert Customer.objects.filter(state="active").get() == known


def test_a_shared_browser_is_not_a_person(scope: Tenant) -> None:
    send(scope, new("identified", "m1", external_id="c1", anonymous_id="anon"))
    send(scope, new("identified", "m2", external_id="c2", anonymous_id="anon"))
    assert Customer.objects.filter(state="active").count() == 2
    assert Identity.objects.get(kind="anonymous_id").customer.external_id == "c1"


def test_a_second_address_on_an_event_is_the_customers_too(scope: Tenant) -> None:
    send(scope, new("seen", external_id="c1", email="Ann@Example.com", phone="nonsense"))
    found = set(Identity.objects.values_list("kind", "value"))
    assert found == {("external_id", "c1"), ("email", "ann@example.com")}
    assert Customer.objects.count() == 1

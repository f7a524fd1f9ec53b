from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.domain.events import NewEvent
from crm.models import EventReject, EventSchema, EventTally, PropertySchema
from crm.models.event_schema import ViolationPolicy
from crm.queries import event_tail
from crm.queries.event_tail import TailFilter
from crm.services import event_replays, event_schemas, ingest
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import InvalidInput, PermissionRefused
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tenants.services import outbox
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


def send(message_id: str, name: str = "viewed", customer: str = "c1", **properties: Any) -> str:
    event = NewEvent(message_id, name, NOW, external_id=customer, properties=properties)
    [outcome] = ingest.accept(batch=[event], by=SYSTEM, at=NOW).outcomes
    return outcome.status


def deliver(tenant: Tenant) -> None:
    for message in OutboxMessage.objects.filter(state="pending").order_by("pk"):
        assert outbox.deliver(tenant_id=tenant.pk, message_id=message.pk, at=NOW)


def learnt(tenant: Tenant) -> EventSchema:
    send("m1", price=5, email="a@b.example")
    send("m2", price=7)
    deliver(tenant)
    return EventSchema.objects.get(name="viewed")


def test_schemas_are_learnt_from_traffic(crowd: Tenant, scope: Tenant) -> None:
    schema = learnt(scope)
    price, email = schema.properties.order_by("-present_count")
    assert (schema.count, schema.first_seen_at, schema.last_seen_at) == (2, NOW, NOW)
    assert (price.key, price.types, price.present_count, price.examples) == (
        "price",
        {"number": 2},
        2,
        [5, 7],
    )
    assert (email.missing_share, email.sensitivity) == (0.5, "email")
    assert list(EventTally.objects.values_list("name", "status", "count")) == [("viewed", "accepted", 2)]


def test_a_locked_schema_rejects_and_a_replay_after_the_fix_accepts(scope: Tenant) -> None:
    schema = learnt(scope)
    event_schemas.lock(schema=schema, on_violation=ViolationPolicy.REJECT, by=SYSTEM, at=NOW)
    assert send("m3", price=9) == "accepted"
    assert send("m4", price="9") == "invalid"
    assert send("m5", colour="red") == "invalid"
    mistyped, unknown = EventReject.objects.order_by("pk")
    assert (mistyped.reason, mistyped.detail) == ("schema_violation", "price is text, declared is number")
    assert (unknown.name, unknown.identity, unknown.detail) == ("viewed", "c1", "colour is not declared")

    again = event_replays.replay(reject=mistyped, by=SYSTEM, at=NOW)
    assert (again.replayed_at, again.reason) == (None, "schema_violation")
    payload = {**mistyped.payload, "properties": {"price": 9}}
    assert event_replays.replay(reject=mistyped, payload=payload, by=SYSTEM, at=NOW).replayed_at == NOW
    with pytest.raises(InvalidInput):
        event_replays.replay(reject=mistyped, by=SYSTEM, at=NOW)

    event_schemas.unlock(schema=schema, by=SYSTEM, at=NOW)
    rejects = EventReject.objects.all()
    found = event_replays.replay_page(rejects=rejects, after_id=0, by=SYSTEM, at=NOW)
    assert found == (unknown.pk, 1, 1)
    again = event_replays.replay_page(rejects=rejects, after_id=0, by=SYSTEM, at=NOW)
    assert again == (0, 0, 0)
    assert EventReject.objects.filter(replayed_at=None).count() == 0


def test_a_schema_that_flags_accepts_and_counts(scope: Tenant) -> None:
    schema = learnt(scope)
    event_schemas.lock(schema=schema, on_violation=ViolationPolicy.FLAG, by=SYSTEM, at=NOW)
    assert send("m3", price="9") == "accepted"
    deliver(scope)
    schema.refresh_from_db()
    assert (schema.flagged_count, schema.count) == (1, 3)


def test_what_staff_decide_is_kept(scope: Tenant) -> None:
    schema = learnt(scope)
    event_schemas.set_property(schema=schema, key="email", sensitivity="", by=SYSTEM, at=NOW)
    send("m3", email="c@d.example")
    deliver(scope)
    assert PropertySchema.objects.get(key="email").sensitivity == ""
    for key, value_type in (("nope", None), ("price", "text")):
        with pytest.raises(InvalidInput):
            event_schemas.set_property(schema=schema, key=key, value_type=value_type, by=SYSTEM, at=NOW)
    event_schemas.lock(schema=schema, on_violation=ViolationPolicy.REJECT, by=SYSTEM, at=NOW)
    event_schemas.set_property(schema=schema, key="price", value_type="text", by=SYSTEM, at=NOW)
    assert (send("m4", price="9"), send("m5", price=9)) == ("accepted", "invalid")


def test_only_with_the_permission(scope: Tenant) -> None:
    schema = learnt(scope)
    reader = Actor(kind=ActorKind.USER, label="reader")
    with pytest.raises(PermissionRefused):
        event_schemas.lock(schema=schema, on_violation=ViolationPolicy.REJECT, by=reader, at=NOW)
    with pytest.raises(PermissionRefused):
        event_replays.replay_page(rejects=EventReject.objects.all(), after_id=0, by=reader, at=NOW)


def test_the_tail_shows_events_and_rejects_masked(crowd: Tenant, scope: Tenant) -> None:
    learnt(scope)
    later = NOW + timedelta(seconds=5)
    bad = NewEvent("m9", "viewed", NOW, email="nobody", properties={"email": "x"})
    ingest.accept(batch=[bad], by=SYSTEM, at=later)
    rows = event_tail.newest(TailFilter(), at=later)
    assert [(row.status, row.message_id) for row in rows] == [
        ("invalid", "m9"), ("accepted", "m2"), ("accepted", "m1"),
    ]  # fmt: skip
    assert rows[0].payload["email"] == rows[2].payload["email"] == "•••"
    assert rows[2].payload["price"] == 5

    def shown(**wanted: Any) -> list[str]:
        return [row.message_id for row in event_tail.newest(TailFilter(**wanted), at=later)]

    assert shown(status="accepted") == ["m2", "m1"]
    assert shown(status="invalid") == shown(reason="identity_invalid") == shown(customer="nobody") == ["m9"]
    assert shown(customer="c1") == ["m2", "m1"]
    assert shown(name="other") == shown(status="replayed") == []
    assert [(each.name, each.accepted, each.invalid) for each in event_tail.counts(since=NOW)] == [
        ("viewed", 2, 1)
    ]


def test_another_tenants_schemas_do_not_count(crowd: Tenant, tenant: Tenant) -> None:
    with tenant_scope(crowd):
        deliver(crowd)
        theirs = EventSchema.objects.get(name="viewed")
        event_schemas.lock(schema=theirs, on_violation=ViolationPolicy.REJECT, by=SYSTEM, at=NOW)
    with tenant_scope(tenant):
        assert send("m1", anything="goes") == "accepted"
        assert EventSchema.objects.count() == 0

from __future__ import annotations

from typing import Any

import pytest

from crm.models import EventReject, EventSchema
from tenants.models import Job, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tenants.services import outbox
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


def event(message_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "name": "seen",
        "occurred_at": NOW.isoformat(),
        "external_id": "c",
    } | changes


@pytest.fixture
def schema(api: Any, crowd: Tenant, tenant: Tenant) -> str:
    properties = {"price": 5, "email": "a@b.example"}
    assert api.post("/events", {"events": [event("m1", properties=properties)]}).json()["accepted"] == 1
    with tenant_scope(tenant):
        for message in OutboxMessage.objects.all():
            outbox.deliver(tenant_id=tenant.pk, message_id=message.pk, at=NOW)
        return str(EventSchema.objects.get().public_id)


def test_schemas_are_read_and_locked(api: Any, schema: str) -> None:
    [listed] = api.get("/event-schemas?name=seen").json()["data"]
    assert (listed["id"], listed["count"], listed["is_locked"]) == (schema, 1, False)
    detail = api.get(f"/event-schemas/{schema}").json()
    shown = {
        each["key"]: (each["types"], each["examples"], each["sensitivity"]) for each in detail["properties"]
    }
    assert shown == {"price": ({"number": 1}, [5], ""), "email": ({"text": 1}, [], "email")}

    locked = api.post(f"/event-schemas/{schema}/lock", {"on_violation": "reject"}).json()
    assert {each["value_type"] for each in locked["properties"]} == {"number", "text"}
    answer = api.post("/events", {"events": [event("m2", properties={"price": "x"})]}).json()
    assert answer["results"][0]["reason"] == "schema_violation"
    changed = api.post(f"/event-schemas/{schema}/properties", {"key": "price", "value_type": "text"})
    assert changed.status_code == 200
    assert api.post(f"/event-schemas/{schema}/properties", {"key": "nope"}).status_code == 422
    assert api.post(f"/event-schemas/{schema}/unlock").json()["is_locked"] is False


def test_rejects_are_read_and_sent_again(api: Any, schema: str, tenant: Tenant) -> None:
    bad = event("m3", external_id=None, email="nobody", properties={"email": "secret"})
    api.post("/events", {"events": [bad, event("m4", external_id=None)]})
    found = api.get("/event-rejects?reason=identity_invalid&is_waiting=true").json()["data"]
    assert [(each["message_id"], each["payload"]["email"]) for each in found] == [("m3", "•••")]
    assert api.get("/event-rejects?nope=1").status_code == 400
    path = f"/event-rejects/{found[0]['id']}/replay"
    assert api.post(path).json()["replayed_at"] is None
    assert api.post(path, {"payload": {**bad, "email": "c@d.example"}}).json()["replayed_at"] is not None
    assert api.post(path).status_code == 422
    started = api.post("/event-rejects/replay", {"reason": "identity_missing"})
    assert started.status_code == 202
    with tenant_scope(tenant):
        assert Job.objects.get(kind="crm.replay_rejects").params["reason"] == "identity_missing"
        assert EventReject.objects.filter(replayed_at=None).count() == 1

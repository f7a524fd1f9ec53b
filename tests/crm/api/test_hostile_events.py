"""Batches of events that are none, and events that cannot be kept."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from crm.models import Customer, Event, EventReject
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.hostile import refusal, send

pytestmark = pytest.mark.django_db

EVENT = {"message_id": "m", "name": "seen", "occurred_at": "2026-03-14T09:00:00Z", "external_id": "e"}


def with_properties(properties: bytes) -> bytes:
    return json.dumps({"events": [EVENT]}).encode()[:-3] + b',"properties":' + properties + b"}]}"


BATCHES = {
    "empty": (b"", {}, 400, "malformed_body"),
    "no object": (b"[]", {}, 400, "malformed_body"),
    "no list": (b'{"events":null}', {}, 400, "malformed_body"),
    "unknown field": (b'{"events":[],"x":1}', {}, 400, "malformed_body"),
    "deep": (b"[" * 100_000, {}, 400, "malformed_body"),
    "deep properties": (with_properties(b"[" * 9000 + b"]" * 9000), {}, 400, "malformed_body"),
    "lone surrogate": (with_properties(b'{"a":"\\ud800"}'), {}, 400, "malformed_body"),
    "not utf-8": (with_properties(b'{"a":"\xff"}'), {}, 400, "malformed_body"),
    "1,001 events": (json.dumps({"events": [EVENT] * 1001}).encode(), {}, 413, "batch_too_large"),
    "gzip bomb": (gzip.compress(b"0" * 50_000_000), {"Content_Encoding": "gzip"}, 413, "batch_too_large"),
    "gzip bomb unannounced": (gzip.compress(b"0" * 50_000_000), {}, 413, "batch_too_large"),
    "above 1 MiB": (b" " * (1024 * 1024 + 1), {}, 413, "batch_too_large"),
    "gzip cut off": (gzip.compress(b"{}")[:-4], {"Content_Encoding": "gzip"}, 400, "malformed_body"),
    "no gzip": (b"{}", {"Content_Encoding": "gzip"}, 400, "malformed_body"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "headers", "status", "code"), BATCHES.values(), ids=BATCHES)
def test_a_batch_that_is_none(
    api: Any, tenant: Tenant, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    assert refusal(send(api, "post", "/events", body, **headers)) == (status, code, [])
    with tenant_scope(tenant):
        assert (Event.objects.count(), EventReject.objects.count(), Customer.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"properties": None}, "malformed"),
        ({"message_id": 1}, "malformed"),
        ({"name": ""}, "malformed"),
        ({"nope": 1}, "malformed"),
        ({"occurred_at": "2026-03-14T09:00:00"}, "malformed"),
        ({"occurred_at": "0000-01-01T00:00:00Z"}, "malformed"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at_out_of_range"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "occurred_at_out_of_range"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "occurred_at_out_of_range"),
        ({"external_id": None}, "identity_missing"),
        ({"external_id": " "}, "identity_invalid"),
        ({"external_id": None, "email": "x"}, "identity_invalid"),
        ({"properties": {"a": ["\0"]}}, "nul_character"),
        ({"properties": {"\0": 1}}, "nul_character"),
        ({"message_id": "a\0"}, "nul_character"),
        ({"nope": {"deep": [[[[[[[[[[[[[[[[[[[["\0"]]]]]]]]]]]]]]]]]]]]}}, "malformed"),
    ],
)
def test_an_event_that_cannot_be_kept_does_not_stop_the_others(
    api: Any, tenant: Tenant, change: Any, reason: str
) -> None:
    good = {**EVENT, "message_id": "good"}
    answer = api.post("/events", {"events": [{**EVENT, **change}, good]})
    assert answer.status_code == 202
    assert [(each["status"], each.get("reason")) for each in answer.json()["results"]] == [
        ("invalid", reason),
        ("accepted", None),
    ]
    with tenant_scope(tenant):
        assert list(EventReject.objects.values_list("reason", flat=True)) == [reason]
        assert Event.objects.count() == 1


@pytest.mark.parametrize("levels", [16, 300])
def test_properties_have_a_depth(api: Any, tenant: Tenant, levels: int) -> None:
    answer = send(api, "post", "/events", with_properties(b'{"a":' + b"[" * levels + b"]" * levels + b"}"))
    assert (answer.status_code, answer.json()["results"][0]["reason"]) == (202, "too_deep")


def test_the_deepest_properties_are_kept(api: Any, tenant: Tenant) -> None:
    answer = send(api, "post", "/events", with_properties(b'{"a":' + b"[" * 15 + b"]" * 15 + b"}"))
    assert answer.json()["accepted"] == 1


def test_what_is_no_event_is_kept_as_it_was_written(api: Any, tenant: Tenant) -> None:
    answer = api.post("/events", {"events": [1, None, [], "x", {}]})
    assert (answer.status_code, answer.json()["invalid"]) == (202, 5)
    with tenant_scope(tenant):
        payloads = EventReject.objects.order_by("pk").values_list("payload", flat=True)
        assert list(payloads) == ["1", "null", "[]", '"x"', {}]


def test_beacons_send_text(api: Any, tenant: Tenant) -> None:
    answer = send(api, "post", "/events", json.dumps({"events": [EVENT]}).encode(), "text/plain")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)

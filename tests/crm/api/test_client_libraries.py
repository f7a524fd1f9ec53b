"""The routes for other products' client libraries: keys, limits and what is never an error."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from django.test import Client

from crm.models import Event, EventReject
from tenants.api import throttling
from tenants.domain.permissions import Permission
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tests.conftest import key_for

pytestmark = pytest.mark.django_db
MESSAGE = {"type": "track", "messageId": "m", "userId": "u", "event": "e"}


@pytest.fixture
def key(tenant: Tenant, other_tenant: Tenant, actor: Any) -> str:
    key_for(other_tenant, actor)
    return key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE)


def send(path: str, body: Any, content_type: str = "application/json", **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(raise_request_exception=False).post(path, raw, content_type=content_type, headers=named)


def stored(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return Event.objects.count()


@pytest.mark.parametrize(
    "path",
    [f"/v1/{step}{slash}" for step in ("batch", "import", "b", "track", "t", "p", "i") for slash in ("", "/")]
)  # fmt: skip
def test_segments_routes(path: str, key: str, tenant: Tenant) -> None:
    answer = send(path, {**MESSAGE, "writeKey": key})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert stored(tenant) == 1


@pytest.mark.parametrize("path", ["/batch/", "/batch", "/capture/", "/e/", "/i/v0/e/", "/track/"])
def test_posthogs_routes(path: str, key: str, tenant: Tenant) -> None:
    body = {"api_key": key, "batch": [{"event": "e", "distinct_id": "u", "uuid": "m"}]}
    answer = send(path, body)
    assert (answer.status_code, answer.json()) == (200, {"status": 1})
    assert stored(tenant) == 1


def test_the_key_in_the_header(key: str, tenant: Tenant) -> None:
    basic = base64.b64encode(f"{key}:".encode()).decode()
    for number, header in enumerate((f"Basic {basic}", f"Bearer {key}")):
        answer = send("/v1/batch", {"batch": [{**MESSAGE, "messageId": f"m{number}"}]}, Authorization=header)
        assert answer.status_code == 200
    assert stored(tenant) == 2


def test_unknown_and_missing_keys_and_scopes(key: str, tenant: Tenant, actor: Any) -> None:
    assert send("/v1/batch", {**MESSAGE, "writeKey": "nope"}).status_code == 401
    assert send("/v1/batch", MESSAGE).status_code == 401
    reader = key_for(tenant, actor, scopes=[Permission.CUSTOMERS_VIEW])
    assert send("/v1/batch", {**MESSAGE, "writeKey": reader}).status_code == 403
    assert stored(tenant) == 0


def test_gzip_by_magic_and_any_content_type(key: str, tenant: Tenant) -> None:
    packed = gzip.compress(json.dumps({**MESSAGE, "writeKey": key}).encode())
    assert send("/v1/t", packed, "application/x-www-form-urlencoded").status_code == 200
    assert send("/v1/t", gzip.compress(b" " * 50_000_000), "text/plain").status_code == 413
    assert stored(tenant) == 1


def test_one_bad_event_is_kept_and_never_an_error(key: str, tenant: Tenant) -> None:
    bad = [None, 1, "x", {}, {"type": "track"}, {**MESSAGE, "event": None}, {**MESSAGE, "userId": "\0"},
           {**MESSAGE, "timestamp": "never"}, {**MESSAGE, "properties": {"a": "\0"}}]  # fmt: skip
    answer = send("/v1/batch", {"writeKey": key, "batch": [*bad, MESSAGE]})
    assert (answer.status_code, stored(tenant)) == (200, 1)
    with tenant_scope(tenant):
        assert EventReject.objects.count() == len(bad)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff", b"[" * 9000, b'{"batch": "x"}'])
def test_nonsense_is_400_with_a_message(body: bytes, key: str) -> None:
    answer = send("/v1/batch", body, Authorization=f"Bearer {key}")
    assert answer.status_code == 400
    assert {answer.json()["code"], bool(answer.json()["message"])} == {"malformed_body", True}


def test_browsers(key: str, tenant: Tenant, actor: Any) -> None:
    preflight = Client().options("/v1/t", headers={"Origin": "https://shop.example"})
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (204, "*")
    answer = send("/v1/t", {**MESSAGE, "writeKey": key}, "text/plain", Origin="https://shop.example")
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "*")
    secret = key_for(tenant, actor)
    refused = send("/v1/t", {**MESSAGE, "writeKey": secret}, Origin="https://shop.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "secret_key_in_browser")
    settings = Client().get(f"/v1/projects/{key}/settings")
    assert settings.json()["integrations"]["Segment.io"]["apiKey"] == key


@pytest.mark.parametrize("path", ["/v1/t", "/v1/batch", "/batch/"])
def test_a_key_of_some_pages_is_refused_on_others(path: str, tenant: Tenant, actor: Any) -> None:
    shop = "https://shop.example"
    key = key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE, origins=[shop])
    body = {"batch": [{**MESSAGE, "type": "track", "uuid": "u1", "distinct_id": "d1"}], "api_key": key}
    message = body if "batch" in path else MESSAGE
    refused = send(path, {**message, "writeKey": key}, Origin="https://shop.example.evil.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert "https://shop.example.evil.example" in refused.json()["message"]
    assert refused["Access-Control-Allow-Origin"] == "*"
    with tenant_scope(tenant):
        assert Event.objects.count() + EventReject.objects.count() == 0
    assert send(path, {**message, "writeKey": key}, Origin=shop).status_code == 200
    with tenant_scope(tenant):
        assert Event.objects.count() == 1


def test_too_many_requests_say_when_to_come_back(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "_limit", throttling.parse("1/minute"))
    assert send("/v1/t", {**MESSAGE, "writeKey": key}).status_code == 200
    answer = send("/v1/t", {**MESSAGE, "writeKey": key})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60

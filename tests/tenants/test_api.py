from __future__ import annotations

import base64

import pytest
from django.test import Client, override_settings

from tenants.domain.permissions import Permission
from tenants.models import OutboxMessage
from tenants.scope import tenant_scope
from tests.conftest import ApiClient, key_for

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tenants.api_urls")]


def amounts(tenant):
    with tenant_scope(tenant):
        return [row.payload.get("amount") for row in OutboxMessage.objects.order_by("pk")]


def create(api, amount, key="k1"):
    return api.post("/notes", {"amount": amount}, Idempotency_Key=key)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "missing_api_key"),
        ("Bearer", "missing_api_key"),
        ("Bearer sk_unknown", "unknown_api_key"),
        ("Digest x", "missing_api_key"),
        ("Basic ***", "missing_api_key"),
    ],
)
def test_without_a_known_key_it_is_401(db, header, code):
    headers = {"Authorization": header} if header else {}
    response = Client().get("/api/v1/notes", headers=headers)
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response.json()["code"] == code


def test_the_key_may_be_the_user_of_basic(api):
    token = base64.b64encode(f"{api.key}:".encode()).decode()
    assert Client().get("/api/v1/notes", headers={"Authorization": f"Basic {token}"}).status_code == 200


def test_a_request_id_is_taken_and_given_back(api):
    response = api.get("/undeclared", X_Request_Id="trace-12345")
    assert response["X-Request-Id"] == "trace-12345"
    assert response.json()["request_id"] == "trace-12345"
    assert api.get("/notes", X_Request_Id="bad id!")["X-Request-Id"] != "bad id!"


def test_a_view_that_declares_nothing_refuses_everybody(api):
    assert api.get("/undeclared").status_code == 403


def test_a_key_without_the_scope_is_refused(tenant, actor):
    api = ApiClient(key_for(tenant, actor, scopes=[Permission.CUSTOMERS_VIEW]))
    assert api.get("/notes").status_code == 200
    assert create(api, 1).status_code == 403
    assert amounts(tenant) == []


def test_a_wrong_field_is_named_by_a_pointer(api):
    body = api.post("/notes", {"amount": 0, "amuont": 3}, Idempotency_Key="k").json()
    assert body["errors"] == [{"pointer": "/amuont", "code": "unknown_field", "detail": "Unknown field."}]
    body = create(api, 0).json()
    assert [(e["pointer"], e["code"]) for e in body["errors"]] == [("/amount", "min_value")]


def test_broken_json_is_400(api):
    response = api.client.post(
        "/api/v1/notes",
        data="{",
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}", "Idempotency-Key": "k"},
    )
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_a_domain_error_carries_its_code_and_facts_and_leaves_nothing(api, tenant):
    response = create(api, 402)
    body = response.json()
    assert (response.status_code, body["code"], body["missing"]) == (409, "not_enough", 40)
    assert amounts(tenant) == []


def test_a_crash_is_500_and_leaves_nothing(api, tenant):
    assert api.get("/broken").status_code == 500
    assert amounts(tenant) == []


def test_a_retry_gets_the_same_bytes_and_does_nothing(api, tenant):
    first, again = create(api, 7), create(api, 7)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    assert amounts(tenant) == [7]


def test_the_same_key_with_another_body_is_422(api, tenant):
    create(api, 7)
    assert (create(api, 8).status_code, create(api, 8).json()["code"]) == (422, "idempotency_key_reused")
    assert amounts(tenant) == [7]


def test_a_failed_write_may_be_tried_again_with_its_key(api, tenant):
    assert create(api, 402).status_code == 409
    assert create(api, 402).status_code == 409
    assert create(api, 5).status_code == 201
    assert amounts(tenant) == [5]


def test_two_tenants_may_use_the_same_key(api, other_api, tenant, other_tenant):
    create(api, 1)
    create(other_api, 2)
    assert (amounts(tenant), amounts(other_tenant)) == ([1], [2])


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_write_without_a_good_key_is_422(api, key):
    assert create(api, 1, key).status_code == 422


def test_pages_are_walked_by_cursor(api, tenant):
    for amount in range(1, 6):
        create(api, amount, f"k{amount}")
    first = api.get("/notes?limit=2").json()
    assert (first["data"], first["has_more"], first["previous"]) == ([5, 4], True, None)
    second = api.get("/notes" + first["next"].partition("/notes")[2]).json()
    assert second["data"] == [3, 2]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "colour=red"])
def test_a_wrong_parameter_is_400(api, query):
    response = api.get(f"/notes?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


@override_settings()
def test_above_the_limit_it_is_429_with_a_time_to_wait(api, monkeypatch):
    from limits import parse

    monkeypatch.setattr("tenants.api.throttling._limit", parse("2/minute"))
    statuses = [api.get("/notes").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert 1 <= int(api.get("/notes")["Retry-After"]) <= 61

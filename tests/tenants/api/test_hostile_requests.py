"""Requests that no client of ours would send: never a 5xx, always a problem, nothing written."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import path

from crm.models import Customer, Item
from tenants.models import AuditEntry, IdempotencyRecord
from tenants.scope import tenant_scope
from tests.crm import factories
from tests.hostile import refusal, send

pytestmark = pytest.mark.django_db

UNREADABLE = {
    "cut off": b"{",
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "33 levels": b'{"attributes":' + b"[" * 32 + b"]" * 32 + b"}",
    "nul": b"\0",
    "not utf-8": b'{"external_id":"\xff"}',
    "utf-16": '{"external_id":"a"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "lone surrogate": b'{"external_id":"\\ud800"}',
    "lone surrogate as name": b'{"\\udfff":1}',
    "lone surrogate in an attribute": b'{"external_id":"a","attributes":{"a":"\\ud800"}}',
    "not a number": b'{"external_id":NaN}',
    "infinite": b'{"external_id":"a","attributes":{"a":1e999}}',
    "5,000 digits": b'{"external_id":' + b"9" * 5000 + b"}",
    "a key twice": b'{"external_id":"a","attributes":{"a":1,"b":[{"c":1,"c":2}]}}',
    "gzip": gzip.compress(b"{}"),
}
NO_OBJECT = {"null": b"null", "array": b"[]", "text": b'"x"', "number": b"1", "true": b"true"}
WRITES = ["/items", "/orders", "/returns", "/segments", "/redemptions"]


@pytest.fixture
def untouched(tenant: Any) -> Any:
    """Fails when the request has written anything."""

    def counts() -> list[int]:
        with tenant_scope(tenant):
            return [each.objects.count() for each in (Customer, Item, AuditEntry, IdempotencyRecord)]

    before = counts()
    yield
    assert counts() == before


@pytest.mark.parametrize("path_", ["/customers", *WRITES])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_is_no_json_of_ours(api: Any, untouched: None, path_: str, body: bytes) -> None:
    response = send(api, "post", path_, body, Idempotency_Key="k")
    assert refusal(response) == (400, "parse_error", [])


@pytest.mark.parametrize("path_", ["/customers", *WRITES])
@pytest.mark.parametrize("body", NO_OBJECT.values(), ids=NO_OBJECT)
def test_a_body_that_is_no_object(api: Any, untouched: None, path_: str, body: bytes) -> None:
    assert refusal(send(api, "post", path_, body, Idempotency_Key="k")) == (400, "invalid_request", ["/"])


@pytest.mark.parametrize("path_", WRITES)
def test_an_empty_body_names_what_is_missing(api: Any, untouched: None, path_: str) -> None:
    status, code, pointers = refusal(send(api, "post", path_, b"", Idempotency_Key="k"))
    assert (status, code) == (400, "invalid_request")
    assert pointers


@pytest.mark.parametrize("path_", ["/customers", "/redemptions", "/events"])
def test_a_body_above_the_cap(api: Any, untouched: None, path_: str) -> None:
    body = b'{"external_id":"' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    assert refusal(send(api, "post", path_, body, Idempotency_Key="k")) == (413, "body_too_large", [])


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "text/xml", "multipart/form-data", ""]
)
def test_another_content_type(api: Any, untouched: None, content_type: str) -> None:
    response = send(api, "post", "/items", b'{"external_id":"a"}', content_type)
    assert refusal(response) == (415, "unsupported_media_type", [])


@pytest.mark.parametrize(("name", "pointer"), [("nope", "/nope"), ("a/b~c", "/a~1b~0c"), ("a\0b", "/a\0b")])
def test_an_unknown_field_is_named_by_a_json_pointer(
    api: Any, untouched: None, name: str, pointer: str
) -> None:
    assert refusal(api.post("/customers", {name: 1})) == (400, "invalid_request", [pointer])


def cursor(text: str) -> str:
    return "cursor=" + base64.b64encode(text.encode()).decode()


LISTS = [
    "/customers",
    "/items",
    "/orders",
    "/returns",
    "/segments",
    "/rewards",
    "/redemptions",
    "/jobs",
    "/models",
]


@pytest.mark.parametrize("path_", LISTS)
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=", "/limit"),
        ("limit=%C2%B2", "/limit"),
        ("limit=" + "9" * 5000, "/limit"),
        ("cursor=x", "/cursor"),
        ("cursor=%C3%A9", "/cursor"),
        (cursor("p=abc"), "/cursor"),
        (cursor("p=1.5"), "/cursor"),
        (cursor("p=-1"), "/cursor"),
        (cursor("p=\0"), "/cursor"),
        (cursor("p=" + "9" * 30), "/cursor"),
        (cursor("p=" + "9" * 5000), "/cursor"),
        (cursor("o=abc"), "/cursor"),
        (cursor("r=x"), "/cursor"),
        ("ordering=password", "/ordering"),
        ("ordering=id;drop", "/ordering"),
        ("nope=1", "/nope"),
    ],
)
def test_garbage_in_a_lists_query_is_named(api: Any, path_: str, query: str, pointer: str) -> None:
    assert refusal(api.get(f"{path_}?{query}")) == (400, "invalid_request", [pointer])


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("/customers?search=%00", "/search"),
        ("/customers?email=%00", "/email"),
        ("/customers?segment=%00", "/segment"),
        ("/customers?state=x", "/state"),
        ("/customers?seen_after=0000-01-01", "/seen_after"),
        ("/orders?customer=x", "/customer"),
        ("/orders?placed_after=99999-01-01", "/placed_after"),
        ("/returns?returned_after=2691-12-29T02:43:44-17:39", "/returned_after"),
        ("/customers?created_before=0001-01-01T00:00:00%2B14:00", "/created_before"),
        ("/points/expiring?days=00100000000000", "/days"),
        ("/points/statement?begin=2026-01-01&end=9999-12-31", "/end"),
        ("/points/statement?begin=0001-01-01&end=2026-01-01", "/begin"),
        ("/items?is_active=perhaps", "/is_active"),
        ("/items?category=%00", "/category"),
        ("/jobs?state=x", "/state"),
        ("/rewards?kind=x", "/kind"),
    ],
)
def test_a_filters_wrong_value_is_named(api: Any, query: str, pointer: str) -> None:
    assert refusal(api.get(query)) == (400, "invalid_request", [pointer])


def test_a_yes_or_no_filter_filters(api: Any, scope: Any) -> None:
    factories.item("kept")
    factories.item("gone", is_active=False)
    for word, expected in (("true", ["kept"]), ("false", ["gone"]), ("1", ["kept"]), ("0", ["gone"])):
        found = api.get(f"/items?is_active={word}").json()["data"]
        assert [each["external_id"] for each in found] == expected


@pytest.mark.parametrize(
    "path_",
    ["/", "/nope", "/customers/", "/customers/x", "/customers/%00", "/customers/../items", "//customers",
     "/customers/%2e%2e", "/customers//x", "/customers/" + "x" * 5000],
)  # fmt: skip
def test_a_path_that_does_not_exist(api: Any, path_: str) -> None:
    assert refusal(api.get(path_)) == (404, "not_found", [])


@pytest.mark.parametrize("accept", ["text/html", "\0;;q=x"])
def test_an_answer_in_another_format(api: Any, accept: str) -> None:
    assert refusal(api.get("/customers", Accept=accept)) == (406, "not_acceptable", [])


def basic(user: bytes) -> str:
    return "Basic " + base64.b64encode(user + b":").decode()


@pytest.mark.parametrize(
    "credential",
    ["Bearer sk_\0", basic(b"sk_\0"), basic("sk_\u00e9".encode()), "Bearer " + "x" * 9000, "Bearer \u00e9"],
)
def test_a_key_of_garbage(db: None, credential: str) -> None:
    response = Client(raise_request_exception=False).get(
        "/api/v1/customers", headers={"Authorization": credential}
    )
    assert refusal(response) == (401, "unknown_api_key", [])


def _broken(_request: Any) -> None:
    raise RuntimeError


urlpatterns = [path("api/broken", _broken), path("broken", _broken)]
handler500 = "tenants.api.fallbacks.server_error"


@override_settings(ROOT_URLCONF=__name__)
def test_our_own_failure_is_a_problem_for_programs_and_a_page_for_people() -> None:
    client = Client(raise_request_exception=False)
    assert refusal(client.get("/api/broken")) == (500, "server_error", [])
    assert client.get("/broken")["Content-Type"] == "text/html; charset=utf-8"

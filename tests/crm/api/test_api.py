from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Customer, Event, EventReject, Order
from tenants.models import Job, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def pointers(response: Any) -> set[str]:
    assert response["Content-Type"] == "application/problem+json"
    return {error["pointer"] for error in response.json()["errors"]}


def test_customer_life(api: Any, crowd: Tenant) -> None:
    body = {
        "external_id": "c1",
        "person": {"email": "ann@example.com", "given_name": "Ann"},
        "attributes": {"city": "Leeds"},
        "identities": [{"kind": "card", "value": "4711"}],
    }
    created = api.post("/customers", body)
    assert created.status_code == 201
    customer = created.json()
    assert customer["person"]["email"] == "ann@example.com"
    assert customer["identities"] == [
        {"kind": "external_id", "value": "c1"},
        {"kind": "card", "value": "4711"},
        {"kind": "email", "value": "ann@example.com"},
    ]
    again = api.post("/customers", body)
    assert (again.status_code, again.json()["code"]) == (409, "identity_taken")
    path = f"/customers/{customer['id']}"
    patched = api.patch(path, {"attributes": {"city": None, "age": 30}, "person": {"city": "York"}})
    assert patched.status_code == 200
    assert api.get(path).json()["attributes"] == {"age": 30}
    assert api.get(path).json()["person"]["given_name"] == "Ann"
    assert list(patched.json()["sections"]) == ["number"]


def test_bad_customer_names_the_field(api: Any) -> None:
    response = api.post("/customers", {"nickname": "x", "person": {"email": "no"}})
    assert response.status_code == 400
    assert "/nickname" in pointers(response)
    assert "/person/email" in pointers(api.post("/customers", {"person": {"email": "no"}}))
    assert api.post("/customers", {"attributes": {"a": {"b": 1}}}).status_code == 400


def test_lists_filter_strictly_and_by_cursor(api: Any, tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        people = [factories.customer(f"c{n}", person={"email": f"p{n}@example.com"}) for n in range(3)]
        factories.order("o1", people[1])
        factories.segment("buyers", rule={"orders": "count", "op": "gte", "value": 1})
    first = api.get("/customers?limit=2").json()
    assert [each["external_id"] for each in first["data"]] == ["c2", "c1"]
    assert first["has_more"] is True
    rest = api.get(first["next"].split("/api/v1")[1]).json()
    assert ([each["external_id"] for each in rest["data"]], rest["has_more"]) == (["c0"], False)
    for query, expected in {
        "external_id=c1": ["c1"],
        "email=P2@example.com": ["c2"],
        "search=p0@": ["c0"],
        "segment=buyers": ["c1"],
        "state=suspended": [],
        f"seen_after={NOW.year}-01-01T00:00:00Z": ["c1"],
    }.items():
        assert [each["external_id"] for each in api.get(f"/customers?{query}").json()["data"]] == expected, (
            query
        )
    assert api.get("/customers?colour=red").status_code == 400
    assert api.get("/customers?state=unheard").status_code == 400


@pytest.mark.parametrize("path", ["/customers", "/items", "/orders", "/returns", "/segments"])
def test_lists_cost_the_same_for_one_and_five(api: Any, tenant: Tenant, path: str) -> None:
    def add(number: int) -> None:
        with tenant_scope(tenant):
            customer = factories.customer(f"c{number}", person={"email": f"p{number}@example.com"})
            factories.trait(customer, "t", 1.0)
            order = factories.order(f"o{number}", customer, [("a", 2, 5), (f"b{number}", 1, 5)])
            factories.returned(f"r{number}", order, {1: 1})
            factories.segment(f"s{number}")

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            rows = len(api.get(path).json()["data"])
        return rows, len(queries)

    add(0)
    cost()  # the key's own first use
    few, queries = cost()
    for number in range(1, 5):
        add(number)
    many, queries_later = cost()
    assert few < many
    assert queries == queries_later


def test_orders_and_returns(api: Any, tenant: Tenant, crowd: Tenant) -> None:
    body = {
        "external_id": "o1",
        "customer": {"external_id": "c7"},
        "placed_at": "2026-03-01T12:00:00Z",
        "lines": [
            {"sku": "a", "name": "Apple", "quantity": 2, "unit_price_minor": 150, "store_discount_minor": 10},
            {"sku": "POST", "kind": "charge", "quantity": 1, "unit_price_minor": 400},
        ],
    }
    created = api.post("/orders", body)
    assert created.status_code == 201
    order = created.json()
    assert (order["total_minor"], order["currency"], order["customer"]["external_id"]) == (690, "USD", "c7")
    assert [line["item"] is None for line in order["lines"]] == [False, True]
    assert api.get(f"/orders/{order['id']}").json() == order
    assert api.post("/orders", body).json()["code"] == "order_already_recorded"
    given_back = {
        "external_id": "r1",
        "order_external_id": "o1",
        "returned_at": "2026-03-02T12:00:00Z",
        "lines": [{"position": 1, "quantity": 1}],
    }
    back = api.post("/returns", given_back)
    assert (back.status_code, back.json()["total_minor"]) == (201, 145)
    assert api.get(f"/returns/{back.json()['id']}").json() == back.json()
    too_many = api.post(
        "/returns", given_back | {"external_id": "r2", "lines": [{"position": 1, "quantity": 2}]}
    )
    assert (too_many.status_code, pointers(too_many)) == (422, {"/lines/0/quantity"})
    unknown = api.post("/returns", given_back | {"external_id": "r3", "order_external_id": "o3"})
    assert unknown.status_code == 404
    assert [each["external_id"] for each in api.get("/orders?customer_external_id=c7").json()["data"]] == [
        "o1"
    ]


def test_bad_order_names_the_line_and_leaves_nothing(api: Any, tenant: Tenant) -> None:
    body = {
        "external_id": "o1",
        "customer": {"external_id": "new"},
        "placed_at": "2026-03-01T12:00:00Z",
        "lines": [{"sku": "a", "quantity": 1, "unit_price_minor": 5, "store_discount_minor": 6}],
    }
    response = api.post("/orders", body)
    assert (response.status_code, pointers(response)) == (422, {"/lines/0"})
    assert "/lines/0/quantity" in pointers(
        api.post("/orders", body | {"lines": [{"sku": "a", "quantity": 0}]})
    )
    with tenant_scope(tenant):
        assert (Order.objects.count(), Customer.objects.count()) == (0, 0)


def test_items_are_put_by_external_id(api: Any, crowd: Tenant) -> None:
    assert api.post("/items", {"external_id": "a", "name": "Apple", "price_minor": 5}).status_code == 201
    patched = api.post("/items", {"external_id": "a", "category": "Fruit"})
    assert (patched.status_code, patched.json()["name"], patched.json()["category"]) == (
        200,
        "Apple",
        "Fruit",
    )
    assert [each["external_id"] for each in api.get("/items?category=Fruit").json()["data"]] == ["a"]
    assert api.get(f"/items/{patched.json()['id']}").json() == patched.json()


def test_segments(api: Any, tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        customer = factories.customer("c1", attributes={"age": 20})
    rule = {"attribute": "age", "op": "lt", "value": 30}
    made = api.post("/segments", {"key": "young", "name": "Young", "kind": "rule", "rule": rule})
    assert (made.status_code, made.json()["member_count"]) == (201, 1)
    path = f"/segments/{made.json()['id']}"
    [member] = api.get(f"{path}/members").json()["data"]
    assert member["customer"] == {"id": str(customer.public_id), "external_id": "c1"}
    refresh = api.post(f"{path}/refresh")
    assert refresh.status_code == 202
    with tenant_scope(tenant):
        assert Job.objects.get(public_id=refresh.json()["job"]).params == {"keys": ["young"]}
    assert api.post(f"{path}/members/add", {"customers": [str(customer.public_id)]}).status_code == 409
    made = api.post("/segments", {"key": "list", "name": "List", "kind": "static"})
    path = f"/segments/{made.json()['id']}/members"
    one = {"customers": [str(customer.public_id)]}
    assert api.post(f"{path}/add", one).json() == {"changed": 1, "member_count": 1}
    assert api.post(f"{path}/remove", one).json() == {"changed": 1, "member_count": 0}
    bad = api.post("/segments", {"key": "x", "name": "X", "kind": "rule", "rule": {"all": []}})
    assert (bad.status_code, pointers(bad)) == (422, {"/rule/all"})


def test_nothing_of_another_tenant(api: Any, other_api: Any, tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(crowd):
        theirs = factories.customer("theirs")
        order = Order.objects.get(external_id="o1")
    assert api.get("/customers").json()["data"] == []
    assert api.get(f"/customers/{theirs.public_id}").status_code == 404
    assert api.patch(f"/customers/{theirs.public_id}", {"may_profile": False}).status_code == 404
    assert api.get(f"/orders/{order.public_id}").status_code == 404
    assert api.get("/segments?key=vip").json()["data"] == []
    lines = [{"sku": "a", "quantity": 1, "unit_price_minor": 5}]
    when = "2026-03-01T12:00:00Z"
    body = {"external_id": "o9", "customer": {"id": str(theirs.public_id)}, "placed_at": when, "lines": lines}
    assert api.post("/orders", body).status_code == 404
    made = api.post("/segments", {"key": "list", "name": "List", "kind": "static"}).json()
    foreign = {"customers": [str(theirs.public_id)]}
    assert api.post(f"/segments/{made['id']}/members/add", foreign).status_code == 404
    assert len(other_api.get("/customers").json()["data"]) == 4


def send(api: Any, body: bytes, **headers: str) -> Any:
    return api.client.post(
        "/api/v1/events",
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}", **headers},
    )


def test_event_batch(api: Any, tenant: Tenant, crowd: Tenant) -> None:
    good = {"message_id": "m1", "name": "viewed", "occurred_at": "2026-03-01T12:00:00Z", "external_id": "c1"}
    body = json.dumps({"events": [good, good | {"message_id": "m2", "colour": "red"}, good]}).encode()
    answer = send(api, body)
    assert answer.status_code == 202
    found = answer.json()
    assert (found["accepted"], found["duplicate"], found["invalid"]) == (1, 1, 1)
    assert [each["status"] for each in found["results"]] == ["accepted", "invalid", "duplicate"]
    assert "colour" in found["results"][1]["detail"]
    again = send(api, gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert again.json()["duplicate"] == 2
    with tenant_scope(tenant):
        assert (Event.objects.count(), EventReject.objects.count()) == (1, 2)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_body"),
        (b'{"events": 1}', 400, "malformed_body"),
        (b"\x1f\x8bnothing", 400, "malformed_body"),
        (gzip.compress(b" " * 2_000_000), 413, "batch_too_large"),
        (b'{"events": [' + b",".join([b"{}"] * 1001) + b"]}", 413, "batch_too_large"),
    ],
    # Packed bytes tell the time; processes must agree on the names of tests.
    ids=["cut off", "no list", "not packed", "bomb", "too many"],
)
def test_bad_batch_is_refused_whole(api: Any, tenant: Tenant, body: bytes, status: int, code: str) -> None:
    answer = send(api, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with tenant_scope(tenant):
        assert Event.objects.count() == 0

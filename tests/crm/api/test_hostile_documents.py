"""Customers, orders, returns and segments that cannot be: refused by name, and nothing is half written."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import (
    Customer,
    CustomerState,
    Identity,
    Item,
    Order,
    OrderSummary,
    Return,
    ReturnLine,
    Segment,
)
from crm.services import customers
from tenants.models import AuditEntry, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.hostile import refusal

pytestmark = pytest.mark.django_db

INVALID, IMPOSSIBLE = "invalid_request", "invalid_input"
KEPT = (Customer, Identity, Item, Order, OrderSummary, Return, ReturnLine, Segment, AuditEntry, OutboxMessage)


@pytest.fixture
def known(tenant: Tenant) -> Any:
    with tenant_scope(tenant):
        buyer = factories.customer("c1", person={"email": "c1@example.com"})
        factories.order("o1", buyer, [("sku", 2, 1000)])
        factories.segment("list")
    return buyer


def counts(tenant: Tenant) -> list[int]:
    with tenant_scope(tenant):
        return [model.objects.count() for model in KEPT]


CHANGES = [
    ({"person": None}, 400, INVALID, "/person"),
    ({"person": []}, 400, INVALID, "/person"),
    ({"person": {"email": None}}, 400, INVALID, "/person/email"),
    ({"person": {"given_name": "a\0"}}, 400, INVALID, "/person/given_name"),
    ({"person": {"birth_on": "0000-01-01"}}, 400, INVALID, "/person/birth_on"),
    ({"person": {"email": "a@localhost"}}, 422, IMPOSSIBLE, "/person/email"),
    ({"person": {"phone": "abc"}}, 422, IMPOSSIBLE, "/person/phone"),
    ({"attributes": None}, 400, INVALID, "/attributes"),
    ({"attributes": []}, 400, INVALID, "/attributes"),
    ({"attributes": {"a": [1]}}, 400, INVALID, "/attributes/a"),
    ({"attributes": {"a": "\0"}}, 400, INVALID, "/attributes/a"),
    ({"attributes": {"k" * 121: 1}}, 400, INVALID, "/attributes/" + "k" * 120),
    ({"attributes": {str(n): 1 for n in range(201)}}, 422, IMPOSSIBLE, "/attributes"),
    ({"identities": {}}, 400, INVALID, "/identities"),
    ({"identities": [1]}, 400, INVALID, "/identities/0"),
    ({"identities": [{"kind": [], "value": "x"}]}, 400, INVALID, "/identities/0/kind"),
    ({"identities": [{"kind": "card", "value": str(n)} for n in range(51)]}, 400, INVALID, "/identities"),
    ({"identities": [{"kind": "card", "value": "7"}, {"kind": "email", "value": "x"}]}, 422, IMPOSSIBLE,
     "/identities/1/value"),
    ({"may_profile": None}, 400, INVALID, "/may_profile"),
    ({"may_profile": []}, 400, INVALID, "/may_profile"),
    ({"member_since": 5}, 400, INVALID, "/member_since"),
    ({"member_since": "2026-01-01"}, 400, INVALID, "/member_since"),
    ({"member_since": "2026-01-01T00:00:00"}, 400, INVALID, "/member_since"),
    ({"member_since": "0000-01-01T00:00:00Z"}, 400, INVALID, "/member_since"),
    ({"member_since": "0001-01-01T00:00:00Z"}, 400, INVALID, "/member_since"),
    ({"member_since": "0001-01-01T00:00:00+14:00"}, 400, INVALID, "/member_since"),
    ({"member_since": "9999-12-31T23:59:59-12:00"}, 400, INVALID, "/member_since"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "code", "pointer"), CHANGES)
def test_a_customer_that_cannot_be(
    api: Any, known: Any, tenant: Tenant, change: Any, status: int, code: str, pointer: str
) -> None:
    before = counts(tenant)
    assert refusal(api.post("/customers", {"external_id": "new", **change})) == (status, code, [pointer])
    assert refusal(api.patch(f"/customers/{known.public_id}", change)) == (status, code, [pointer])
    assert counts(tenant) == before


@pytest.mark.parametrize("external_id", ["x" * 201, "", " ", "a\0", [], True])
def test_an_external_id_that_cannot_be(api: Any, external_id: Any) -> None:
    assert refusal(api.post("/customers", {"external_id": external_id})) == (400, INVALID, ["/external_id"])


@pytest.mark.parametrize("external_id", ["\u00e9\u202e\U0001f600", "%s{x}'\"--", "../../etc", "a b"])
def test_odd_ids_are_only_text(api: Any, tenant: Tenant, external_id: str) -> None:
    created = api.post("/customers", {"external_id": external_id})
    assert (created.status_code, created.json()["external_id"]) == (201, external_id)
    ordered = api.post("/orders", {**ORDER, "customer": {"external_id": external_id}})
    assert ordered.json()["customer"]["id"] == created.json()["id"]


def test_numbers_of_any_length_come_back_as_they_went(api: Any, known: Any) -> None:
    attributes = {"long": 10**30, "share": 0.1, "small": -(2**63)}
    changed = api.patch(f"/customers/{known.public_id}", {"attributes": attributes})
    assert (changed.status_code, changed.json()["attributes"]) == (200, attributes)


def line(**fields: Any) -> dict[str, Any]:
    return {"sku": "a", "quantity": 1, "unit_price_minor": 100, **fields}


ORDER: dict[str, Any] = {
    "external_id": "new",
    "placed_at": "2026-03-01T00:00:00Z",
    "customer": {"external_id": "nobody yet"},
    "lines": [line()],
}
ORDERS = [
    ({"lines": [line(quantity=0)]}, 400, INVALID, "/lines/0/quantity"),
    ({"lines": [line(quantity=-1)]}, 400, INVALID, "/lines/0/quantity"),
    ({"lines": [line(quantity=1.5)]}, 400, INVALID, "/lines/0/quantity"),
    ({"lines": [line(quantity=True)]}, 400, INVALID, "/lines/0/quantity"),
    ({"lines": [line(quantity=2**63)]}, 400, INVALID, "/lines/0/quantity"),
    ({"lines": [line(unit_price_minor=2**63)]}, 400, INVALID, "/lines/0/unit_price_minor"),
    ({"lines": [line(quantity=10**9, unit_price_minor=10**12)]}, 422, IMPOSSIBLE, "/lines/0"),
    ({"lines": [line(), line(kind="charge", quantity=10**9, unit_price_minor=-1001)]}, 422, IMPOSSIBLE,
     "/lines/1"),
    ({"lines": [line(unit_price_minor=-5)]}, 422, IMPOSSIBLE, "/lines/0/unit_price_minor"),
    ({"lines": [line(store_discount_minor=60, coupon_discount_minor=41)]}, 422, IMPOSSIBLE, "/lines/0"),
    ({"lines": [line()] * 1001}, 400, INVALID, "/lines"),
    ({"lines": []}, 400, INVALID, "/lines"),
    ({"lines": {}}, 400, INVALID, "/lines"),
    ({"lines": None}, 400, INVALID, "/lines"),
    ({"lines": [None]}, 400, INVALID, "/lines/0"),
    ({"lines": [line(sku="a\0")]}, 400, INVALID, "/lines/0/sku"),
    ({"lines": [line(), line(total_minor=1)]}, 400, INVALID, "/lines/1/total_minor"),
    ({"placed_at": None}, 400, INVALID, "/placed_at"),
    ({"placed_at": 1}, 400, INVALID, "/placed_at"),
    ({"placed_at": "2026-03-01"}, 400, INVALID, "/placed_at"),
    ({"placed_at": "2026-03-01T00:00:00"}, 400, INVALID, "/placed_at"),
    ({"placed_at": "0000-01-01T00:00:00Z"}, 400, INVALID, "/placed_at"),
    ({"placed_at": "0001-01-01T00:00:00Z"}, 400, INVALID, "/placed_at"),
    ({"placed_at": "9999-12-31T23:59:59-14:00"}, 400, INVALID, "/placed_at"),
    ({"placed_at": "2199-12-31T00:00:00Z"}, 422, IMPOSSIBLE, "/placed_at"),
    ({"currency": "usd"}, 400, INVALID, "/currency"),
    ({"currency": None}, 400, INVALID, "/currency"),
    ({"channel": None}, 400, INVALID, "/channel"),
    ({"customer": "c1"}, 400, INVALID, "/customer"),
    ({"customer": []}, 400, INVALID, "/customer"),
    ({"customer": {}}, 400, INVALID, "/customer"),
    ({"customer": {"id": "x"}}, 400, INVALID, "/customer/id"),
    ({"customer": {"id": "01900000-0000-7000-8000-000000000000", "external_id": "c1"}}, 400, INVALID,
     "/customer"),
    ({"total_minor": 1}, 400, INVALID, "/total_minor"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "code", "pointer"), ORDERS)
def test_an_order_that_cannot_be(
    api: Any, known: Any, tenant: Tenant, change: Any, status: int, code: str, pointer: str
) -> None:
    before = counts(tenant)
    assert refusal(api.post("/orders", {**ORDER, **change})) == (status, code, [pointer])
    assert counts(tenant) == before


def test_the_same_article_twice_is_two_lines_of_one_item(api: Any, tenant: Tenant) -> None:
    placed = api.post("/orders", {**ORDER, "lines": [line(), line(quantity=2)]}).json()
    assert [(each["position"], each["total_minor"]) for each in placed["lines"]] == [(1, 100), (2, 200)]
    assert len({each["item"] for each in placed["lines"]}) == 1


def test_an_order_again_is_refused_and_leaves_no_customer(api: Any, known: Any, tenant: Tenant) -> None:
    before = counts(tenant)
    assert refusal(api.post("/orders", {**ORDER, "external_id": "o1"})) == (409, "order_already_recorded", [])
    assert counts(tenant) == before


def test_an_order_of_a_merged_customer_goes_to_who_remains(api: Any, known: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        merged = factories.customer("old")
        Customer.objects.filter(pk=merged.pk).update(state=CustomerState.MERGED, merged_into=known)
    for number, reference in enumerate(({"id": str(merged.public_id)}, {"external_id": "old"})):
        body = {**ORDER, "external_id": f"n{number}", "customer": reference}
        assert api.post("/orders", body).json()["customer"]["id"] == str(known.public_id)
    refused = api.patch(f"/customers/{merged.public_id}", {"may_profile": False})
    assert refusal(refused) == (409, "customer_not_editable", [])


def test_a_suspended_customer_still_buys(api: Any, known: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        customers.set_suspended(customer=known, suspended=True, by=factories.SYSTEM, at=NOW)
    assert api.post("/orders", {**ORDER, "customer": {"external_id": "c1"}}).status_code == 201


def test_nothing_is_kept_about_who_was_anonymised(api: Any, known: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        Customer.objects.filter(pk=known.pk).update(state=CustomerState.ANONYMISED)
    before = counts(tenant)
    refused = api.post("/orders", {**ORDER, "customer": {"id": str(known.public_id)}})
    assert refusal(refused) == (409, "customer_not_editable", [])
    assert counts(tenant) == before


def back(*lines: tuple[int, int]) -> dict[str, Any]:
    return {"lines": [{"position": position, "quantity": quantity} for position, quantity in lines]}


RETURNS = [
    (back((1, 3)), 422, IMPOSSIBLE, "/lines/0/quantity"),
    (back((1, 1), (2, 1)), 422, IMPOSSIBLE, "/lines/1/position"),
    (back((10**30, 1)), 422, IMPOSSIBLE, "/lines/0/position"),
    (back((1, 1), (1, 1)), 400, INVALID, "/lines"),
    (back((1, 0)), 400, INVALID, "/lines/0/quantity"),
    (back((0, 1)), 400, INVALID, "/lines/0/position"),
    ({"lines": []}, 400, INVALID, "/lines"),
    ({"lines": "x"}, 400, INVALID, "/lines"),
    ({"returned_at": "2026-03-12T00:00:00Z"}, 422, IMPOSSIBLE, "/returned_at"),
    ({"returned_at": "2199-01-01T00:00:00Z"}, 422, IMPOSSIBLE, "/returned_at"),
    ({"returned_at": "2026-03-14T09:00:00"}, 400, INVALID, "/returned_at"),
    ({"order_external_id": None}, 400, INVALID, "/order_external_id"),
]


@pytest.mark.parametrize(("change", "status", "code", "pointer"), RETURNS)
def test_a_return_that_cannot_be(
    api: Any, known: Any, tenant: Tenant, change: Any, status: int, code: str, pointer: str
) -> None:
    before = counts(tenant)
    body = {
        "external_id": "r1",
        "order_external_id": "o1",
        "returned_at": "2026-03-14T09:00:00Z",
        **back((1, 1)),
    }
    assert refusal(api.post("/returns", {**body, **change})) == (status, code, [pointer])
    assert counts(tenant) == before


EXISTS = {"attribute": "a", "op": "exists"}


def nested(levels: int) -> Any:
    rule: Any = EXISTS
    for _ in range(levels):
        rule = {"not": rule}
    return rule


RULES = [
    (None, "/rule"),
    ([], "/rule"),
    ("x", "/rule"),
    (nested(20), "/rule" + "/not" * 8),
    ({"all": []}, "/rule/all"),
    ({"any": [EXISTS] * 100}, "/rule/any/99"),
    ({"attribute": "a", "op": []}, "/rule/op"),
    ({"attribute": "a", "op": {}}, "/rule/op"),
    ({"attribute": "a", "op": None}, "/rule/op"),
    ({"attribute": [], "op": "eq"}, "/rule/attribute"),
    ({"attribute": "a\0", "op": "exists"}, "/rule/attribute"),
    ({"attribute": "a", "op": "eq", "value": 10**400 // 10**100}, "/rule/value"),
    ({"attribute": "a", "op": "eq", "value": 10**30}, "/rule/value"),
    ({"attribute": "a", "op": "eq", "value": {}}, "/rule/value"),
    ({"attribute": "a", "op": "eq", "value": None}, "/rule/value"),
    ({"attribute": "a", "op": "exists", "extra": 1}, "/rule"),
    ({"orders": "secret", "op": "eq", "value": 1}, "/rule/orders"),
    ({"orders": "count", "op": "eq", "value": "x"}, "/rule/value"),
]


@pytest.mark.parametrize(("rule", "pointer"), RULES)
def test_a_rule_that_cannot_be(api: Any, known: Any, tenant: Tenant, rule: Any, pointer: str) -> None:
    before = counts(tenant)
    body = {"key": "s", "name": "S", "kind": "rule", "rule": rule}
    assert refusal(api.post("/segments", body)) == (422, IMPOSSIBLE, [pointer])
    assert counts(tenant) == before


def test_a_rule_is_never_part_of_the_statement(api: Any, known: Any) -> None:
    rule = {"any": [{"attribute": "%s{x}' OR true --", "op": "eq", "value": "%s{y}'"}]}
    made = api.post("/segments", {"key": "s", "name": "S", "kind": "rule", "rule": rule})
    assert (made.status_code, made.json()["member_count"]) == (201, 0)

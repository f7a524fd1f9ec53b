from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.identify_traits import told_by
from crm.domain.order_events import EventNotUsable, LineDraft, ReturnDraft, order_of, positions_of, return_of

SEGMENT = {
    "order_id": "o1", "currency": "eur", "affiliation": "web", "shipping": 4.99, "discount": "2.50",
    "total": 1,
    "products": [
        {"product_id": "p1", "name": "Mug", "price": 9.99, "quantity": 2},
        {"sku": "p2", "price": 1}],
}  # fmt: skip


def test_segments_order():
    draft = order_of(SEGMENT, currency="USD")
    assert (draft.external_id, draft.currency, draft.channel) == ("o1", "EUR", "web")
    assert draft.lines == (
        LineDraft("p1", 2, 999, name="Mug"),
        LineDraft("p2", 1, 100),
        LineDraft("shipping", 1, 499, name="shipping", is_charge=True),
        LineDraft("discount", 1, -250, name="discount", is_charge=True),
    )


def test_our_own_order():
    line = {"sku": "a", "quantity": 3, "unit_price_minor": 250, "coupon_discount_minor": 50, "kind": "charge"}
    draft = order_of({"order_id": 7, "lines": [line], "shipping": 5}, currency="JPY")
    assert (draft.external_id, draft.currency) == ("7", "JPY")
    assert draft.lines == (LineDraft("a", 3, 250, is_charge=True, coupon_discount_minor=50),)


def test_an_order_without_lines_is_one_charge():
    assert order_of({"order_id": "o", "value": 12}, currency="USD").lines == (
        LineDraft("order", 1, 1200, is_charge=True),
    )


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({}, "order_id is missing"),
        ({"order_id": True, "total": 1}, "order_id is missing"),
        ({"order_id": "o"}, "neither lines nor a total"),
        ({"order_id": "o", "total": "NaN"}, "total is no amount"),
        ({"order_id": "o", "total": 1, "currency": "EURO"}, "currency is no ISO 4217 code"),
        ({"order_id": "o", "lines": 5}, "lines are no list of objects"),
        ({"order_id": "o", "lines": [{"price": 1}]}, "lines/0 names no product"),
        ({"order_id": "o", "lines": [{"sku": "a", "price": "x"}]}, "lines/0/price is no amount"),
        ({"order_id": "o", "lines": [{"sku": "a", "price": 1, "quantity": 1.5}]},
         "lines/0/quantity is no whole number"),
        ({"order_id": "o", "lines": [{"sku": "a", "price": 1e300}]}, "lines/0/price is no amount"),
    ],
)  # fmt: skip
def test_what_is_no_order(properties, why):
    with pytest.raises(EventNotUsable, match=why):
        order_of(properties, currency="USD")


LINES = [(1, "a", 2), (2, "b", 1), (3, "a", 1)]


@pytest.mark.parametrize(
    ("wanted", "returned", "expected"),
    [
        ({}, {}, {1: 2, 2: 1, 3: 1}),
        ({}, {1: 2, 2: 1}, {3: 1}),
        ({"by_sku": {"a": 3}}, {}, {1: 2, 3: 1}),
        ({"by_sku": {"a": 1}}, {1: 2}, {3: 1}),
        ({"by_position": {2: 1}}, {}, {2: 1}),
        ({"by_sku": {"a": 9}}, {}, {1: 2, 3: 7}),
    ],
)
def test_what_comes_back(wanted, returned, expected):
    draft = ReturnDraft("r", "o", wanted.get("by_position", {}), wanted.get("by_sku", {}))
    assert positions_of(draft, LINES, returned) == expected


@given(st.integers(1, 4), st.integers(0, 2))
def test_what_comes_back_by_product_adds_up(quantity, before):
    found = positions_of(ReturnDraft("r", "o", {}, {"a": quantity}), LINES, {1: before})
    assert sum(found.values()) == quantity


def test_a_return_of_something_else():
    with pytest.raises(EventNotUsable, match="no product z"):
        positions_of(ReturnDraft("r", "o", {}, {"z": 1}), LINES, {})


def test_reading_a_return():
    draft = return_of(
        {"order_id": "o", "products": [{"sku": "a"}, {"sku": "a", "quantity": 2}]}, message_id="m"
    )
    assert draft == ReturnDraft("m", "o", {}, {"a": 3})
    mine = return_of(
        {"order_id": "o", "return_id": "r", "lines": [{"position": 1, "quantity": 2}]}, message_id="m"
    )
    assert mine == ReturnDraft("r", "o", {1: 2}, {})


def test_traits_are_sorted():
    told = told_by(
        {
            "email": "a@b.example", "name": "Ann van Dyk", "birthday": "1990-02-03T00:00:00Z", "plan": "pro",
            "visits": 3, "tags": ["x"], "$context": {}, "address": {"city": "Ghent", "street": "x"},
            "phone": 5,
        }
    )  # fmt: skip
    assert {**told.person, "birth_on": str(told.person["birth_on"])} == {
        "email": "a@b.example", "phone": "5", "city": "Ghent", "given_name": "Ann", "family_name": "van Dyk",
        "birth_on": "1990-02-03",
    }  # fmt: skip
    assert told.attributes == {"plan": "pro", "visits": 3}
    assert {"email", "name", "birthday", "phone"} <= told.personal_keys

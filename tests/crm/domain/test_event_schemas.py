from __future__ import annotations

import pytest

from crm.domain import event_schemas
from crm.domain.event_schemas import MASK, declared_type, masked, observe, sensitive_kind, type_of, violation


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), (True, "yes_no"), (0, "number"), (1.5, "number"), ("", "text"), ("2026-01-05", "moment"),
     ("2026-01-05T10:00:00Z", "moment"), ("2026-01-05x", "text"), ([], "list"), ({}, "object")],
)  # fmt: skip
def test_types(value, expected):
    assert type_of(value) == expected


def test_a_batch_is_added_up():
    found = observe([("a", {"x": 1, "y": None}), ("a", {"x": "s"}), ("b", {}), ("a", {"x": 1})])
    assert (found["a"].count, found["b"].count) == (3, 1)
    assert set(found["a"].properties) == {"x"}
    seen = found["a"].properties["x"]
    assert (dict(seen.types), seen.present, seen.examples) == ({"number": 2, "text": 1}, 3, [1, "s"])


def test_endless_properties_are_cut_off():
    found = observe([("a", {f"k{number}": 1 for number in range(1000)})])
    assert len(found["a"].properties) == event_schemas.MOST_PROPERTIES


def test_what_to_declare():
    assert declared_type({"number": 5, "text": 2}) == "number"
    assert declared_type({"number": 3, "text": 2, "moment": 2}) == "text"
    assert declared_type({}) == "text"


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        ({"price": 1, "note": "x"}, ""),
        ({"note": "2026-01-01", "price": None, "$context": {}}, ""),
        ({"price": "1"}, "price is text, declared is number"),
        ({"other": 1}, "other is not declared"),
    ],
)
def test_violations(properties, wrong):
    assert violation(properties, {"price": "number", "note": "text"}) == wrong


@pytest.mark.parametrize(
    ("key", "examples", "expected"),
    [
        ("userEmail", [], "email"), ("mobile_no", [], "phone"),
        ("mobile", [], "phone"), ("dateOfBirth", [], "birth_date"),
        ("cardNumber", [], "card"), ("diagnosis", [], "health"), ("first name", [], "personal"),
        ("contact", ["a@b.example"], "email"), ("contact", ["+49 30 1234567"], "phone"),
        ("ref", ["4111 1111 1111 1111"], "card"), ("ref", ["4111 1111 1111 1112"], ""), ("sku", ["S1"], ""),
        ("手机号", [], "phone"), ("order_id", [1234567890123456], ""), ("gift_card", [], ""),
    ],
)  # fmt: skip
def test_sensitive_fields(key, examples, expected):
    assert sensitive_kind(key, examples) == expected


def test_masking_goes_deep():
    document = {"email": "a", "in": [{"email": "b", "x": 1}], "empty": {"email": None}}
    assert masked(document, frozenset({"email"})) == {
        "email": MASK, "in": [{"email": MASK, "x": 1}], "empty": {"email": None},
    }  # fmt: skip

"""The builder's drafts: read from forms, changed by actions, and clear about what is wrong."""

from __future__ import annotations

import pytest

from crm.admin import segment_drafts, segment_reading
from crm.admin.segment_forms import Subjects
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def test_actions_grow_and_cut_the_tree() -> None:
    root = segment_drafts.act(segment_drafts.empty(), "group:0")
    root = segment_drafts.act(root, "add:0.1")
    assert [node.path for node in root.walk()] == ["0", "0.0", "0.1", "0.1.0", "0.1.1"]
    root = segment_drafts.act(root, "remove:0.0")
    assert [node.path for node in root.walk()] == ["0", "0.0", "0.0.0", "0.0.1"]
    root = segment_drafts.act(root, "where:0.0.1")
    assert [len(node.tests["where"]) for node in root.walk()] == [0, 0, 0, 1]
    for nonsense in ("remove:0", "add:7", "drop:0.0", "drop:0.0.1:where:9", "drop:0.0.1:what:x", "", "add"):
        assert [node.path for node in segment_drafts.act(root, nonsense).walk()] == [
            "0",
            "0.0",
            "0.0.0",
            "0.0.1",
        ]


def test_a_condition_on_a_property_is_taken_from_its_own_list() -> None:
    root = segment_drafts.empty()
    for action in ("where:0.0", "then_where:0.0", "then_where:0.0"):
        root = segment_drafts.act(root, action)
    root.children[0].tests["then_where"][1]["property"] = "kept"
    root = segment_drafts.act(root, "drop:0.0:then_where:0")
    assert [len(rows) for rows in root.children[0].tests.values()] == [1, 1]
    assert root.children[0].tests["then_where"][0]["property"] == "kept"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"n:0:kind": "group", "n:x:what": "event", "n:0.1.2.3.4.5.6:what": "event", "n:0.9999:what": "event"},
        {"n:0:match": "all", "n:0.1.0:what": "event", "n:0.1:what": "event"},
        {"n:0:match": "all", "n:0.0:where": "999999999999", "n:0.0:what": ""},
        {"n:0:match": "all", "n:0.0:what": "nonsense:x", "n:0.0:value": "1"},
    ],
)
def test_a_malformed_form_is_an_unfinished_draft(scope: Tenant, sent: dict[str, str]) -> None:
    with pytest.raises(segment_reading.Unfinished):
        segment_reading.rule_of(segment_drafts.read(sent), Subjects("USD"))


def test_what_is_wrong_stands_at_its_node(scope: Tenant) -> None:
    root = segment_drafts.read(
        {"n:0:match": "any", "n:0.0:what": "orders:count", "n:0.0:value": "many", "n:0.1:what": "event"}
    )
    with pytest.raises(segment_reading.Unfinished):
        segment_reading.rule_of(root, Subjects("USD"))
    assert [(node.path, len(node.errors)) for node in root.walk()] == [("0", 1), ("0.0", 1), ("0.1", 1)]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"times": "between", "count": "5", "most": "3"}, "The second number is below the first."),
        ({"times": "between", "count": "5", "most": ""}, "Give a value that fits."),
        ({"times": "at_most", "count": ""}, "Give a value that fits."),
        ({"times": "at_least", "count": "2.5"}, "Give a value that fits."),
        (
            {"window": "dates", "from": "2026-03-02", "to": "2026-03-01"},
            "The last day comes before the first.",
        ),
        ({"window": "dates"}, "Give the first day or the last day."),
        ({"window": "days", "days": ""}, "Give a value that fits."),
        ({"where": "1", "where_propvalue0": "wine"}, "Name the property that has this value."),
        ({"where": "1", "where_property0": "price", "where_propop0": "in"}, "Give a value that fits."),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_left_out(
    scope: Tenant, fields: dict[str, str], error: str
) -> None:
    condition = {"what": "event", "event": "viewed"} | fields
    sent = {"n:0:match": "all"} | {f"n:0.0:{name}": value for name, value in condition.items()}
    root = segment_drafts.read(sent)
    with pytest.raises(segment_reading.Unfinished):
        segment_reading.rule_of(root, Subjects("USD"))
    assert root.children[0].errors == [error]


@pytest.mark.parametrize(
    ("what", "op", "typed", "value"),
    [
        ("attribute:city", "eq", "New York, NY", "New York, NY"),
        ("attribute:city", "in", '"New York, NY", Leeds，York', ["New York, NY", "Leeds", "York"]),
        ("attribute:city", "eq", '"10"', "10"),
        ("attribute:city", "eq", "10", "10"),
        ("trait:churn_risk", "lt", "50%", 0.5),
        ("orders:revenue_minor", "gte", "20.5", 2050),
        ("loyalty:tier", "eq", "gold", "gold"),
    ],
)
def test_a_value_is_read_as_it_is_meant(scope: Tenant, what: str, op: str, typed: str, value: object) -> None:
    sent = {"n:0:match": "all", "n:0.0:what": what, "n:0.0:op": op, "n:0.0:value": typed}
    rule = segment_reading.rule_of(segment_drafts.read(sent), Subjects("USD"))
    assert rule["all"][0]["value"] == value

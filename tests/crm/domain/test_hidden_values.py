"""Rules over sensitive values: named, and read as if the values were missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.domain.hidden_values import NOTHING, FreeValue, Hidden, hiding, spoken_of, without
from crm.domain.rules import CustomerFacts, EventFact, matches, parse

AT = datetime(2026, 3, 1, tzinfo=UTC)
HIDDEN = Hidden(
    attributes=frozenset({"blood_type"}),
    properties={"visited": frozenset({"diagnosis"}), "paid": frozenset()},
)
FACTS = CustomerFacts(
    attributes={"blood_type": "A", "size": "L"},
    traits={},
    events=[EventFact("visited", AT, {"diagnosis": "flu", "room": 3})],
)
VISIT = {"event": "visited", "where": [{"property": "diagnosis", "op": "eq", "value": "flu"}], "at_least": 1}
BLOOD = {"attribute": "blood_type", "op": "eq", "value": "A"}


@pytest.mark.parametrize(
    ("rule", "names", "before", "after"),
    [
        (BLOOD, ["blood_type"], True, False),
        ({"not": BLOOD}, ["blood_type"], False, True),
        ({"attribute": "blood_type", "op": "exists"}, ["blood_type"], True, False),
        ({"attribute": "size", "op": "eq", "value": "L"}, [], True, True),
        (VISIT, ["diagnosis"], True, False),
        ({**VISIT, "where": [{"property": "room", "op": "eq", "value": 3}]}, [], True, True),
        ({"any": [VISIT, {"all": [BLOOD]}]}, ["blood_type", "diagnosis"], True, False),
    ],
)
def test_a_rule_reads_no_sensitive_value(rule: Any, names: list[str], before: bool, after: bool) -> None:
    parsed = parse(rule)
    assert spoken_of(parsed, HIDDEN) == names
    assert matches(parsed, FACTS, AT, ZoneInfo("UTC")) is before
    assert matches(hiding(parsed, HIDDEN), FACTS, AT, ZoneInfo("UTC")) is after
    assert hiding(parsed, Hidden()) is parsed


def test_the_event_that_follows_is_looked_at_too() -> None:
    rule = parse(
        {
            "event": "paid",
            "then": {"event": "visited", "where": [{"property": "diagnosis", "op": "exists"}]},
            "within_days": 3,
        }
    )
    assert spoken_of(rule, HIDDEN) == ["diagnosis"]
    [test] = hiding(rule, HIDDEN).then.where
    assert test.name == NOTHING


def test_values_are_taken_out_however_deep_they_lie() -> None:
    sent = {"diagnosis": "flu", "visit": {"diagnosis": {"code": 1}, "room": 3}, "rooms": [{"diagnosis": 1}]}
    assert without(sent, frozenset({"diagnosis"})) == {"visit": {"room": 3}, "rooms": [{"diagnosis": 1}]}
    assert without(sent, frozenset()) == sent


def test_a_path_is_sensitive_where_one_of_its_parts_is() -> None:
    asked = [
        FreeValue("visited", "visit.diagnosis"),
        FreeValue("visited", "diagnosis.code"),
        FreeValue("visited", "room"),
        FreeValue("paid", "diagnosis"),
        FreeValue("", "blood_type"),
        FreeValue("", "diagnosis"),
        # An attribute may have a dot in its name; it is no path.
        FreeValue("", "blood_type.old"),
    ]
    assert HIDDEN.among(asked) == [asked[4], asked[1], asked[0]]

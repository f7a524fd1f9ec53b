"""The engine's facts without what is sensitive: rules find it missing, and their outcomes say so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crm.domain.hidden_values import FreeValue, Hidden
from rewards.domain.documents import parse
from rewards.domain.engine import Engine
from rewards.domain.facts import CustomerState, Happening
from rewards.domain.free_values import readers
from rewards.domain.programs import Revision
from rewards.domain.rules import Trigger

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
HIDDEN = Hidden(frozenset({"size"}), {"visited": frozenset({"topic"}), "paid": frozenset({"room"})})
VISIT = Happening(
    Trigger.EVENT, AT, "visited", properties={"topic": 7, "room": 3, "deep": {"topic": 5, "room": 2}}
)
MEMBER = CustomerState(attributes={"size": 40, "colour": "red"})


def revision(**rule: Any) -> Revision:
    written = {"key": "r", "name": "R", "trigger": "event", "event": "visited", "effects": give(), **rule}
    return parse({"wallets": [{"key": "points", "name": "Points"}], "rules": [written]})


def give(**more: Any) -> list[dict[str, Any]]:
    return [{"type": "points", "wallet": "points", "points": 1, **more}]


def formula(**term: Any) -> list[dict[str, Any]]:
    return [{"type": "formula", "wallet": "points", "terms": [{**term, "weight": 1}], "constant": 2}]


def leaf(source: str, name: str, **more: Any) -> dict[str, Any]:
    return {source: name, "op": "exists", **more}


@pytest.mark.parametrize(
    ("rule", "before", "after", "names"),
    [
        ({"when": leaf("property", "topic")}, 1, 0, ["property.topic"]),
        ({"when": leaf("property", "deep.topic")}, 1, 0, ["property.deep.topic"]),
        ({"when": leaf("property", "room")}, 1, 1, None),
        ({"when": leaf("property", "deep.room")}, 1, 1, None),
        ({"when": leaf("attribute", "size")}, 1, 0, ["attribute.size"]),
        ({"when": leaf("attribute", "colour")}, 1, 1, None),
        ({"when": {"not": leaf("attribute", "size")}}, 0, 1, ["attribute.size"]),
        (
            {"when": {"any": [leaf("attribute", "size"), leaf("property", "topic")]}},
            1, 0, ["attribute.size", "property.topic"],
        ),
        ({"effects": give(per_property="topic")}, 7, 0, ["property.topic"]),
        ({"effects": give(per_property="deep.topic")}, 5, 0, ["property.deep.topic"]),
        ({"effects": formula(property="topic")}, 9, 2, ["property.topic"]),
        ({"effects": formula(attribute="size")}, 42, 2, ["attribute.size"]),
    ],
)  # fmt: skip
def test_rules_find_sensitive_values_missing(
    rule: dict[str, Any], before: int, after: int, names: list[str] | None
) -> None:
    program = revision(**rule)
    assert Engine(program).decide(MEMBER, VISIT).points == before
    for explains in (True, False):
        evaluation = Engine(program, HIDDEN).decide(MEMBER, VISIT, explains=explains)
        [outcome] = evaluation.decision.to_json()["rules"]
        assert evaluation.points == after
        assert outcome.get("hidden") == ({"sensitive": names} if names else None)
    assert "hidden" not in Engine(program).decide(MEMBER, VISIT).decision.to_json()["rules"][0]


def test_the_record_keeps_no_value_of_what_is_sensitive() -> None:
    program = revision(when={"property": "topic", "op": "eq", "value": 8})
    [outcome] = Engine(program, HIDDEN).decide(MEMBER, VISIT).decision.to_json()["rules"]
    assert outcome["failed"] == [
        {"field": "property.topic", "op": "eq", "expected": 8, "actual": None, "missing": None}
    ]


def test_who_reads_what() -> None:
    reward = {"kind": "message", "message": "hello"}
    goals = [
        {"kind": "count", "match": {"event": "paid", "where": {"all": [leaf("property", "a")]}}, "target": 2},
        {"kind": "sum", "match": {"event": "paid"}, "of": "b", "target": 2},
        {"kind": "count", "match": {"event": "paid"}, "target": 2},
    ]
    program = parse(
        {
            "wallets": [{"key": "points", "name": "Points"}],
            "rules": [
                {"key": "r0", "name": "R0", "trigger": "event", "event": "visited",
                 "when": leaf("property", "topic"), "effects": give(per_property="room")},
                {"key": "r1", "name": "R1", "effects": formula(attribute="size")},
            ],
            "challenges": [
                {"key": f"c{number}", "name": "C", "goal": goal, "rewards": [reward]}
                for number, goal in enumerate(goals)
            ],
        }
    )  # fmt: skip
    assert [(each.pointer, each.key, each.is_rule, each.values) for each in readers(program)] == [
        ("/rules/0", "r0", True, {FreeValue("visited", "topic"), FreeValue("visited", "room")}),
        ("/rules/1", "r1", True, {FreeValue("", "size")}),
        ("/challenges/0", "c0", False, {FreeValue("paid", "a")}),
        ("/challenges/1", "c1", False, {FreeValue("paid", "b")}),
        ("/challenges/2", "c2", False, set()),
    ]

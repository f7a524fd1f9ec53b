from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest

from rewards.domain.challenges.conditions import conditions_to_json, parse_conditions
from rewards.domain.documents import InvalidDocument, json_schema, parse, to_json

LESSON = {"event": "lesson_completed"}
WHERE = {
    "all": [
        {"property": "score", "op": "gte", "value": 80},
        {"not": {"property": "level", "op": "in", "value": ["a", "b"]}},
        {"any": [{"property": "note", "op": "missing"}, {"property": "ok", "op": "eq", "value": True}]},
    ]
}
GOALS: dict[str, dict[str, Any]] = {
    "count": {"kind": "count", "match": {**LESSON, "where": WHERE}, "target": 3},
    "sum": {"kind": "sum", "match": {"categories": ["DAIRY"]}, "of": "amount_minor", "target": 5000},
    "distinct": {"kind": "distinct", "match": LESSON, "of": "module", "target": 5},
    "streak": {"kind": "streak", "match": LESSON, "target": 7, "unit": "week", "gap": 1, "each": 2},
    "sequence": {
        "kind": "sequence",
        "steps": [
            {"key": "a", "name": "A", "match": LESSON},
            {"key": "b", "name": "B", "match": {"skus": ["x"]}},
        ],
    },
    "set": {
        "kind": "set",
        "needed": 1,
        "tasks": [
            {"key": "a", "name": "A", "goal": {"kind": "count", "match": LESSON, "target": 1}},
            {"key": "b", "name": "B", "goal": {"kind": "count", "match": {}, "target": 2}},
        ],
    },
}


def document(**changes: Any) -> dict[str, Any]:
    challenge: dict[str, Any] = {
        "key": "c",
        "name": "Challenge",
        "goal": GOALS["count"],
        "rewards": [
            {"kind": "points", "wallet": "points", "points": 100},
            {"kind": "coupon", "coupon": "ten-off"},
            {"kind": "message", "message": "well-done"},
        ],
        **changes,
    }
    return copy.deepcopy(
        {
            "wallets": [{"key": "points", "name": "Points"}],
            "tiers": [{"key": "gold", "name": "Gold", "threshold_minor": 5}],
            "challenges": [challenge],
        }
    )


def errors(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDocument) as caught:
        parse(document(**changes))
    return [(error.pointer.removeprefix("/challenges/0"), error.code) for error in caught.value.errors]


VALID: list[dict[str, Any]] = [
    *({"goal": goal} for goal in GOALS.values()),
    {"window": {"kind": "dates", "starts_on": "2026-01-01", "ends_on": None}},
    {"window": {"kind": "rolling", "days": 60}, "recurrence": "on_completion"},
    {"window": {"kind": "since_joining", "days": 30}},
    {"recurrence": "weekly", "limits": {"per_customer": 3, "total": 100}},
    {"milestones": [{"at": 2, "rewards": []}, {"at": 1}], "rewards": []},
    {"opt_in": True, "audience": {"segment": "vip", "tiers": ["gold"]}, "rolls_back": False},
]


@pytest.mark.parametrize("changes", VALID)
def test_a_challenge_is_written_as_it_is_read_and_fits_the_schema(changes: dict[str, Any]) -> None:
    revision = parse(document(**changes))
    written = to_json(revision)
    assert parse(written) == revision
    jsonschema.validate(document(**changes), json_schema())
    jsonschema.validate(written, json_schema())


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"goal": {"kind": "magic"}}, "/goal/kind", "invalid_choice"),
        ({"goal": {**GOALS["count"], "target": 0}}, "/goal/target", "invalid_integer"),
        ({"goal": {**GOALS["count"], "of": "x"}}, "/goal/of", "unknown_field"),
        ({"goal": {**GOALS["sum"], "of": "weight"}}, "/goal/of", "invalid_choice"),
        ({"goal": {**GOALS["streak"], "target": 1}}, "/goal/target", "invalid_integer"),
        ({"goal": {"kind": "sequence", "steps": []}}, "/goal/steps", "too_few"),
        ({"goal": {**GOALS["set"], "needed": 3}}, "/goal/needed", "invalid_integer"),
        (
            {"goal": {**GOALS["count"], "match": {**LESSON, "where": {"all": [{"attribute": "x"}]}}}},
            "/goal/match/where/all/0",
            "invalid_rule",
        ),
        ({"window": {"kind": "rolling"}}, "/window/days", "invalid_integer"),
        ({"window": {"kind": "dates"}}, "/window/starts_on", "required"),
        ({"window": {"kind": "dates", "starts_on": "soon"}}, "/window/starts_on", "invalid_date"),
        (
            {"window": {"kind": "dates", "starts_on": "2026-02-01", "ends_on": "2026-01-01"}},
            "/window/ends_on",
            "before_start",
        ),
        ({"window": {"kind": "rolling", "days": 3}, "recurrence": "daily"}, "/window", "not_combinable"),
        ({"window": {"kind": "rolling", "days": 3}, "goal": GOALS["streak"]}, "/window", "not_combinable"),
        ({"milestones": [{"at": 3}]}, "/milestones", "too_large"),
        ({"milestones": [{"at": 1}, {"at": 1}]}, "/milestones", "duplicate"),
        ({"rewards": []}, "/rewards", "required"),
        ({"rewards": [{"wallet": "gem", "points": 1}]}, "/rewards/0/wallet", "unknown_wallet"),
        ({"audience": {"tiers": ["silver"]}}, "/audience/tiers", "unknown_tier"),
        ({"opt_in": "yes"}, "/opt_in", "invalid_boolean"),
        ({"colour": "red"}, "/colour", "unknown_field"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert (pointer, code) in errors(**changes)


def test_conditions_over_properties_survive_the_way_there_and_back() -> None:
    assert conditions_to_json(parse_conditions(WHERE)) == WHERE

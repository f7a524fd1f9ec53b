from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from rewards.domain.documents import InvalidDocument, json_schema, parse, to_json

DOCUMENT = {
    "wallets": [{"key": "points", "name": "Points", "thousand_points_minor": 1500}],
    "budgets": [{"key": "spring", "name": "Spring", "period": "week", "points": 1000}],
    "policies": {"backdating_days": 30},
}


def test_every_section_survives_the_round_trip_and_fits_the_schema() -> None:
    revision = parse(DOCUMENT)
    written = to_json(revision)
    assert parse(written) == revision
    for document in (DOCUMENT, written):
        jsonschema.validate(document, json_schema(), cls=jsonschema.Draft202012Validator)


def test_wrong_members_of_the_new_sections_are_named() -> None:
    broken = {
        **DOCUMENT,
        "budgets": [{"key": "spring", "name": "Spring"}, {"key": "spring", "name": "", "points": -1}],
        "policies": {"backdating_days": 1.5, "colour": 1},
    }
    with pytest.raises(InvalidDocument) as refusal:
        parse(broken)
    assert {(error.pointer, error.code) for error in refusal.value.errors} == {
        ("/budgets/0/points", "required"),
        ("/budgets/1/key", "duplicate"),
        ("/budgets/1/name", "invalid_text"),
        ("/budgets/1/points", "invalid_integer"),
        ("/policies/backdating_days", "invalid_integer"),
        ("/policies/colour", "unknown_field"),
    }


def test_points_cost_what_a_thousand_cost_rounded_up() -> None:
    wallet = parse(DOCUMENT).wallets[0]
    assert [wallet.cost_minor(points) for points in (0, 1, 2, 1000)] == [0, 2, 3, 1500]


def test_the_committed_schema_is_the_one_in_force() -> None:
    committed = json.loads(Path("docs/program.schema.json").read_text(encoding="utf-8"))
    # Written by: python -m rewards.domain.documents.schema > docs/program.schema.json
    assert committed == json_schema()


@pytest.mark.parametrize(
    ("rules", "pointer", "code"),
    [
        ([5], "/rules/0", "not_an_object"),
        ([{"key": "r", "name": "R", "effects": [{"type": [], "wallet": "x"}]}], "/rules/0/effects/0/type",
         "invalid_choice"),
        ([{"key": "r", "name": "a\0b", "effects": []}], "/rules/0/name", "invalid_text"),
        ([{"key": "r", "name": "R", "audience": ["\ud800"], "effects": []}], "/rules/0/audience/0",
         "invalid_text"),
    ],
)  # fmt: skip
def test_what_no_program_can_be_is_named_and_nothing_breaks(
    rules: list[object], pointer: str, code: str
) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        parse({**DOCUMENT, "rules": rules})
    assert (pointer, code) in {(error.pointer, error.code) for error in refusal.value.errors}

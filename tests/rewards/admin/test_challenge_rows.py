"""Conditions of a challenge come back from their rows, and from a step's line of text, as they were."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.admin.challenge_rows import ConditionRow, PartRow, condition_rows, part_rows

VALUES = [
    "10001", "007", "1_000", "true", "1e5", "Café, au lait", 'say "hi"', '"', " x ",
    5, -2.5, 1e-07, True, False,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_a_condition_keeps_its_value_and_kind(value: Any) -> None:
    leaf = {"property": "code", "op": "eq", "value": value}
    (initial,) = condition_rows({"match": {"event": "scan", "where": leaf}})
    row = ConditionRow(initial)
    assert row.is_valid()
    found = row.condition()
    assert found == leaf
    assert type(found["value"]) is type(value)


@pytest.mark.parametrize("value", VALUES)
def test_a_step_keeps_its_conditions_or_does_not_show_them(value: Any) -> None:
    leaf = {"property": "code", "op": "ne", "value": value}
    step = {"key": "a", "name": "A", "match": {"event": "scan", "where": leaf}}
    (initial,) = part_rows({"steps": [step]})
    assert initial["where"]
    row = PartRow(initial)
    assert row.is_valid()
    assert row.cleaned_data["where"] == [leaf]
    assert type(row.cleaned_data["where"][0]["value"]) is type(value)


def test_a_condition_that_a_line_cannot_say_is_not_shown() -> None:
    leaf = {"property": "code", "op": "eq", "value": "a;b"}
    (initial,) = part_rows({"steps": [{"key": "a", "name": "A", "match": {"event": "scan", "where": leaf}}]})
    assert initial["where"] == ""

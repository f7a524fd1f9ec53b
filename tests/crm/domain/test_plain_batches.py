"""The quick look at a batch's bytes must never let through what the slow look refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import events
from crm.domain.events import DEEPEST, Invalid
from tests.conftest import NOW


def sent(properties: dict[str, Any] | None, number: int = 0) -> dict[str, Any]:
    event = {
        "message_id": f"m{number}",
        "name": "viewed",
        "occurred_at": "2026-03-01T00:00:00Z",
        "external_id": "c",
    }
    return event if properties is None else {**event, "properties": properties}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"end": 1}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def reasons(batch: list[dict[str, Any]]) -> list[str]:
    body = json.dumps({"events": batch}).encode()
    return [each.reason if isinstance(each, Invalid) else "" for each in events.decode(body, at=NOW)]


def test_events_without_properties_do_not_hide_a_deep_one():
    batch = [sent(None, number) for number in range(400)]
    assert reasons([*batch, sent(nested(DEEPEST + 5), 400)])[-1] == "too_deep"


@pytest.mark.parametrize("levels", range(DEEPEST - 3, DEEPEST + 4))
def test_the_quick_look_agrees_with_the_slow_one_around_the_limit(levels):
    quick = reasons([sent(nested(levels))])
    # A hundred brackets more make the quick look give up.
    slow = reasons([sent(nested(levels)), sent({"wide": [[] for _ in range(100)]}, 1)])
    assert quick[0] == slow[0]


def test_an_escaped_nul_is_found():
    assert reasons([sent({"text": "a\0b"})]) == ["nul_character"]


@given(st.lists(st.one_of(st.none(), st.integers(1, DEEPEST + 6).map(nested)), min_size=1, max_size=8))
def test_any_mix_is_judged_as_each_alone(mix):
    together = reasons([sent(properties, number) for number, properties in enumerate(mix)])
    alone = [reasons([sent(properties, number)])[0] for number, properties in enumerate(mix)]
    assert together == alone

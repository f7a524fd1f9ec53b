from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from crm.domain import events
from tests.conftest import NOW


def event(**changes: Any) -> dict[str, Any]:
    return {
        "message_id": "m1",
        "name": "viewed",
        "occurred_at": NOW.isoformat(),
        "external_id": "c1",
        "properties": {"a": 1},
    } | changes


def decoded(*bodies: Any) -> list[Any]:
    return events.decode(json.dumps({"events": bodies}).encode(), at=NOW)


def test_good_batch() -> None:
    [found] = decoded(event())
    assert found == events.NewEvent("m1", "viewed", NOW, external_id="c1", properties={"a": 1})
    assert found.identity == ("external_id", "c1")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"external_id": None}, "identity_missing"),
        ({"message_id": ""}, "malformed"),
        ({"message_id": 5}, "malformed"),
        ({"name": "x" * 101}, "malformed"),
        ({"occurred_at": "2026-03-14T09:00:00"}, "malformed"),
        ({"occurred_at": "yesterday"}, "malformed"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "occurred_at_out_of_range"),
        ({"occurred_at": (NOW + timedelta(days=1, seconds=1)).isoformat()}, "occurred_at_out_of_range"),
        ({"properties": [1]}, "malformed"),
        ({"unknown": 1}, "malformed"),
        ({"properties": {"deep": ["\0"]}}, "nul_character"),
        ({"name": "\0"}, "nul_character"),
    ],
)
def test_bad_event_is_invalid_and_the_good_one_beside_it_is_not(changes: dict[str, Any], reason: str) -> None:
    bad, good = decoded(event(**changes), event(message_id="m2"))
    assert isinstance(bad, events.Invalid)
    assert bad.reason == reason
    assert isinstance(good, events.NewEvent)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"events": 5}', b'{"events": [], "x": 1}', b"\xff\xfe"])
def test_malformed_batch(body: bytes) -> None:
    with pytest.raises(events.MalformedBatch):
        events.decode(body, at=NOW)


def test_limits() -> None:
    assert len(decoded(*[event()] * 1000)) == 1000
    with pytest.raises(events.TooLarge):
        decoded(*[event()] * 1001)
    with pytest.raises(events.TooLarge):
        events.plain_body(b"x" * (events.MOST_BYTES + 1), is_gzip=False)


def test_gzip_is_found_by_header_or_magic_and_capped() -> None:
    assert events.plain_body(gzip.compress(b"abc"), is_gzip=False) == b"abc"
    with pytest.raises(events.TooLarge):
        events.plain_body(gzip.compress(b"\0" * (events.MOST_BYTES + 1)), is_gzip=True)
    with pytest.raises(events.MalformedBatch):
        events.plain_body(gzip.compress(b"abc" * 100)[:-9], is_gzip=True)
    with pytest.raises(events.MalformedBatch):
        events.plain_body(b"not gzip", is_gzip=True)

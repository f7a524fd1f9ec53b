from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from crm.domain import client_messages, event_catalogue
from crm.domain.client_messages import POSTHOG, SEGMENT, event_from, read
from crm.domain.events import Invalid, MalformedBatch, NewEvent, TooLarge
from tests.conftest import NOW

THEN = "2026-03-14T09:00:00.000Z"
MOMENT = datetime(2026, 3, 14, 9, tzinfo=UTC)


def segment(kind: str = "track", skew: timedelta = timedelta(), **message: Any) -> NewEvent | Invalid:
    given = {"messageId": "m", "userId": "u", "timestamp": THEN, **message}
    return event_from(given, dialect=SEGMENT, kind=kind, at=NOW, skew=skew)


def posthog(**message: Any) -> NewEvent | Invalid:
    given = {"uuid": "m", "distinct_id": "u", "timestamp": THEN, **message}
    return event_from(given, dialect=POSTHOG, kind="batch", at=NOW, skew=timedelta())


def test_a_track_call():
    event = segment(event="Order Completed", properties={"total": 5}, anonymousId="a")
    assert event == NewEvent(
        "m", "order_completed", MOMENT, external_id="u", anonymous_id="a", properties={"total": 5}
    )


@pytest.mark.parametrize(
    ("kind", "message", "name", "properties"),
    [
        ("identify", {"traits": {"plan": "pro"}}, "identified", {"plan": "pro"}),
        ("page", {"name": "Home", "properties": {"url": "/"}}, "page_viewed", {"url": "/", "name": "Home"}),
        ("screen", {"name": "Start"}, "screen_viewed", {"name": "Start"}),
        ("group", {"groupId": "g", "traits": {"x": 1}}, "group_joined", {"x": 1, "group_id": "g"}),
        ("track", {"event": "My own"}, "My own", {}),
        (
            "track",
            {"event": "e", "context": {"campaign": {"source": "s"}, "ip": "::1", "library": {"name": "l"}}},
            "e",
            {"$context": {"campaign": {"source": "s"}, "library": "l"}},
        ),
    ],
)  # fmt: skip
def test_every_kind_of_call(kind, message, name, properties):
    by_route = segment(kind, **message)
    assert (by_route.name, by_route.properties) == (name, properties)
    assert segment("batch", type=kind, **message) == by_route


def test_an_alias_names_the_former_id():
    event = segment("alias", previousId="before")
    assert (event.name, event.external_id, event.anonymous_id) == ("aliased", "u", "before")


def test_identify_brings_addresses():
    event = segment("identify", traits={"email": "a@b.example", "phone": "+1 212 555 0100"})
    assert (event.email, event.phone) == ("a@b.example", "+1 212 555 0100")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"event": ""}, "malformed"),
        ({"event": 5}, "malformed"),
        ({"event": "e", "timestamp": "yesterday"}, "malformed"),
        ({"event": "e", "timestamp": "1999-12-31T00:00:00Z"}, "occurred_at_out_of_range"),
        ({"event": "e", "userId": None}, "identity_missing"),
        ({"event": "e", "userId": True}, "identity_missing"),
        ({"event": "a\0"}, "nul_character"),
    ],
)
def test_a_bad_message_is_a_reason_not_an_error(message, reason):
    found = segment(**message)
    assert isinstance(found, Invalid)
    assert found.reason == reason


@pytest.mark.parametrize("message", [None, 1, "x", []])
def test_what_is_no_message(message):
    found = event_from(message, dialect=SEGMENT, kind="track", at=NOW, skew=timedelta())
    assert found == Invalid("malformed", "A message is an object.", "", message, "segment:track")


def test_without_an_id_the_content_names_it():
    one, same, other = (segment(messageId=None, event="e", properties={"n": n}) for n in (1, 1, 2))
    assert one.message_id == same.message_id
    assert one.message_id != other.message_id


def test_without_a_moment_it_is_now_and_no_clock_is_corrected():
    assert segment(event="e", timestamp=None, skew=timedelta(hours=3)).occurred_at == NOW


def test_a_wrong_clock_is_corrected():
    body = {"batch": [{}], "sentAt": "2026-03-14T06:26:53Z"}
    delivery = read(msgspec.json.encode(body))
    assert delivery.skew(NOW) == timedelta(hours=3)
    assert segment(event="e", skew=delivery.skew(NOW)).occurred_at == MOMENT + timedelta(hours=3)
    nearly = read(msgspec.json.encode({"batch": [], "sent_at": "2026-03-14T09:26:00Z"}))
    assert nearly.skew(NOW) == timedelta()


def test_posthogs_own_words():
    seen = posthog(event="$pageview", properties={"token": "k", "x": 1})
    assert (seen.name, seen.external_id, seen.properties) == ("page_viewed", "u", {"x": 1})
    told = posthog(event="$identify", properties={"$anon_distinct_id": "a", "$set": {"email": "a@b.example"}})
    assert (told.name, told.anonymous_id, told.email) == ("identified", "a", "a@b.example")
    alias = posthog(event="$create_alias", properties={"alias": "new"})
    assert (alias.external_id, alias.anonymous_id) == ("new", "u")
    unknown = posthog(event="e", properties={"$process_person_profile": False})
    assert (unknown.external_id, unknown.anonymous_id) == (None, "u")


@pytest.mark.parametrize(
    "body",
    [
        {"writeKey": "k", "batch": []},
        {"api_key": "k", "batch": []},
        {"event": "e", "properties": {"token": "k"}},
        [{"event": "e", "properties": {"token": "k"}}],
    ],
)
def test_the_key_stands_in_the_body(body):
    assert read(msgspec.json.encode(body)).key == "k"


@pytest.mark.parametrize("body", [b"", b"1", b'"x"', b'{"batch": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_delivery(body):
    with pytest.raises(MalformedBatch):
        read(body)


def test_too_many_messages():
    with pytest.raises(TooLarge):
        read(msgspec.json.encode([{}] * 1001))


def test_moments_of_any_zone():
    assert client_messages.moment_of("2026-03-14T10:00:00+01:00") == MOMENT
    assert client_messages.moment_of("2026-03-14T09:00:00") == MOMENT
    assert client_messages.moment_of("0001-01-01T00:00:00+14:00") is None


def test_the_catalogue_names_each_event_once():
    names = [event.name for event in event_catalogue.CATALOGUE]
    aliases = [alias.lower() for event in event_catalogue.CATALOGUE for alias in event.aliases]
    assert len(set(names)) == len(names)
    assert len(set(aliases)) == len(aliases)
    assert event_catalogue.canonical_name(" product viewed ") == "product_viewed"
    usual = {event.name for event in event_catalogue.usual_in("education")}
    assert "quiz_passed" in usual
    assert "order_completed" not in usual

"""An event as a client sends it, checked by msgspec: one at a time where the batch has a bad one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from operator import attrgetter
from typing import Annotated, Any

import msgspec

MOST_EVENTS = 1000
MOST_BYTES = 1024 * 1024
DEEPEST = 16
NUL_CHARACTER = "nul_character"
TOO_DEEP = "too_deep"
_DETAIL_BY_FLAW = {
    NUL_CHARACTER: "Text must not hold the character U+0000.",
    TOO_DEEP: f"Properties are at most {DEEPEST} levels deep.",
}
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewEvent(msgspec.Struct, forbid_unknown_fields=True):
    """One event. The first identity given, in the order of the fields, says whose it is."""

    message_id: Text
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    external_id: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    anonymous_id: Text | None = None
    device: Text | None = None
    card: Text | None = None
    properties: dict[str, Any] = {}

    @property
    def identity(self) -> tuple[str, str] | None:
        """The (kind, value) as sent, or None."""
        if self.external_id is not None:
            return "external_id", self.external_id
        for kind in ("email", "phone", "anonymous_id", "device", "card"):
            value = getattr(self, kind)
            if value is not None:
                return kind, value
        return None


@dataclass(frozen=True, slots=True)
class Invalid:
    """An event that cannot be accepted, and why."""

    reason: str
    detail: str
    message_id: str
    payload: Any
    # Which reader understands the payload.
    source: str = "native"


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    events: list[NewEvent]


class _RawBatch(msgspec.Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]


_batch_decoder = msgspec.json.Decoder(_Batch)
_raw_decoder = msgspec.json.Decoder(_RawBatch)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_event_decoder = msgspec.json.Decoder(NewEvent)


class MalformedBatch(ValueError):
    """The body is no batch of events."""


class TooLarge(ValueError):
    """The body or the batch is above the documented limit."""


def plain_body(body: bytes, *, is_gzip: bool) -> bytes:
    """Return the decoded body. Raises ``TooLarge`` (never inflating more than that), ``MalformedBatch``."""
    if len(body) > MOST_BYTES:
        raise TooLarge(f"At most {MOST_BYTES} bytes.")
    if not (is_gzip or body.startswith(_GZIP_MAGIC)):
        return body
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = inflater.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise MalformedBatch("The body is not valid gzip.") from error
    if len(plain) > MOST_BYTES:
        raise TooLarge(f"At most {MOST_BYTES} bytes after decompression.")
    if not inflater.eof:
        raise MalformedBatch("The gzip body is cut off.")
    return plain


def decode(body: bytes, *, at: datetime) -> list[NewEvent | Invalid]:
    """Return each event of the batch, or why it is invalid. Raises ``MalformedBatch``, ``TooLarge``."""
    try:
        events: list[NewEvent | Invalid] = list(_batch_decoder.decode(body).events)
    except (msgspec.ValidationError, RecursionError):
        events = _one_by_one(body)
    except _UNREADABLE as error:
        raise MalformedBatch(f"The body is not valid JSON: {error}") from error
    if len(events) > MOST_EVENTS:
        raise TooLarge(f"At most {MOST_EVENTS} events a batch.")
    is_plain = _is_plain(body, events)
    if is_plain and _all_in_time(events, at) and all(map(_named, events)):
        return events
    return [each if isinstance(each, Invalid) else _judged(each, at, is_plain=is_plain) for each in events]


_named = attrgetter("identity")


def _all_in_time(events: list[Any], at: datetime) -> bool:
    moments = [each.occurred_at for each in events]
    return not moments or (min(moments) >= EARLIEST and max(moments) <= at + CLOCK_SKEW)


def _is_plain(body: bytes, events: list[NewEvent | Invalid]) -> bool:
    """Whether no event of the batch can have a flaw, told from the bytes alone.

    JSON writes U+0000 as an escape only. The batch has two brackets of its own, an event one and its
    properties one; with few beyond those nothing can be nested too deeply.
    """
    if any(isinstance(each, Invalid) for each in events):
        return False
    owned = 2 + len(events) + sum(bool(each.properties) for each in events if isinstance(each, NewEvent))
    spare = body.count(b"{") + body.count(b"[") - owned
    return spare < DEEPEST - 1 and b"\\u0000" not in body


def _one_by_one(body: bytes) -> list[NewEvent | Invalid]:
    try:
        raw_events = _raw_decoder.decode(body).events
    except _UNREADABLE as error:
        raise MalformedBatch(f"Expected an object with a list of events: {error}") from error
    return [_decoded(bytes(raw)) for raw in raw_events]


def _decoded(raw: bytes) -> NewEvent | Invalid:
    try:
        return _event_decoder.decode(raw)
    except _UNREADABLE as error:
        detail = str(error)
    try:
        payload = msgspec.json.decode(raw)
    except _UNREADABLE:
        payload = None
    known = payload.get("message_id") if isinstance(payload, dict) else None
    # What is no object, or too deep to store, is kept as it was written.
    kept = payload if isinstance(payload, dict) and not flaw_of(payload) else raw.decode("utf-8", "replace")
    return Invalid("malformed", detail, known[:200] if isinstance(known, str) else "", kept)


def _judged(event: NewEvent, at: datetime, *, is_plain: bool) -> NewEvent | Invalid:
    if event.identity is None:
        return _invalid(
            event, "identity_missing", "Name the customer: external_id, email, phone, anonymous_id…"
        )
    if not EARLIEST <= event.occurred_at <= at + CLOCK_SKEW:
        return _invalid(event, "occurred_at_out_of_range", "Between 2000 and one day from now.")
    if is_plain:
        return event
    if flaw := flaw_of([event.message_id, event.name, event.identity[1], event.properties]):
        return _invalid(event, flaw, _DETAIL_BY_FLAW[flaw])
    return event


def _invalid(event: NewEvent, reason: str, detail: str) -> Invalid:
    payload = "" if reason == TOO_DEEP else as_sent(event)
    return Invalid(reason, detail, event.message_id, payload)


def as_sent(event: NewEvent) -> dict[str, Any]:
    """Return the event as a document that can be sent again, without what was not given."""
    return {name: value for name, value in msgspec.to_builtins(event).items() if value is not None}


def flaw_of(value: Any) -> str:
    """Return why ``value`` cannot be stored, empty when it can: too deep, or U+0000 in a text.

    Level by level, without recursion: the value comes from outside.
    """
    level = [value]
    for depth in count():
        if any(isinstance(each, str) and "\0" in each for each in level):
            return NUL_CHARACTER
        if depth > DEEPEST and any(isinstance(each, dict | list) for each in level):
            return TOO_DEEP
        level = [inner for each in level for inner in _within(each)]
        if not level:
            break
    return ""


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return chain(value, value.values())
    return value if isinstance(value, list) else ()

"""What the client libraries of Segment, RudderStack and PostHog send, turned into our events.

Nothing here raises for one bad message: it becomes an ``Invalid`` with the reason, because a client that is
answered with an error sends the whole batch again, for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from crm.domain.event_catalogue import (
    ALIASED,
    GROUP_JOINED,
    IDENTIFIED,
    PAGE_VIEWED,
    SCREEN_VIEWED,
    canonical_name,
)
from crm.domain.events import (
    CLOCK_SKEW,
    EARLIEST,
    MOST_EVENTS,
    TOO_DEEP,
    Invalid,
    MalformedBatch,
    NewEvent,
    TooLarge,
    flaw_of,
)

# A clock that is less wrong than this is right: what is left is the way of the request.
TOLERATED_SKEW: Final = timedelta(minutes=1)
_LONGEST_ID: Final = 200
_NAME_BY_TYPE: Final = {
    "identify": IDENTIFIED,
    "group": GROUP_JOINED,
    "alias": ALIASED,
    "page": PAGE_VIEWED,
    "screen": SCREEN_VIEWED,
}
_CONTEXT: Final = ("campaign", "page", "referrer", "locale", "timezone", "channel")
_POSTHOG_OWN: Final = frozenset(
    {"token", "api_key", "distinct_id", "$set", "$set_once", "$anon_distinct_id", "$group_set", "$unset"}
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a client: the key its body names, its messages and when it says it sent them."""

    key: str
    messages: list[Any]
    sent_at: datetime | None

    def skew(self, received_at: datetime) -> timedelta:
        """How far the sender's clock is behind ours; nothing when it is about right or says nothing."""
        behind = received_at - self.sent_at if self.sent_at else timedelta()
        return behind if abs(behind) > TOLERATED_SKEW else timedelta()


def read(body: bytes) -> Delivery:
    """Read one message, a list or an envelope with ``batch``. Raises ``MalformedBatch``, ``TooLarge``."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBatch(f"The body is not valid JSON: {error}") from error
    if isinstance(document, list):
        document = {"batch": document}
    if not isinstance(document, dict):
        raise MalformedBatch("Expected an object.")
    messages = document.get("batch", document.get("data", [document]))
    if not isinstance(messages, list):
        raise MalformedBatch("The batch is not a list.")
    if len(messages) > MOST_EVENTS:
        raise TooLarge(f"At most {MOST_EVENTS} events a batch.")
    return Delivery(
        _key_of(document, messages), messages, moment_of(document.get("sentAt", document.get("sent_at")))
    )


def _key_of(document: Mapping[str, Any], messages: list[Any]) -> str:
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    for holder in (document, first, _mapping(first.get("properties"))):
        for name in ("writeKey", "write_key", "api_key", "token"):
            if isinstance(holder.get(name), str):
                return str(holder[name])
    return ""


def moment_of(value: Any) -> datetime | None:
    """Read a moment in ISO 8601, without a zone taken as UTC; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


Translate = Callable[[Mapping[str, Any], str], dict[str, Any]]


def segment_fields(message: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return an event's fields from a message of Segment or RudderStack; ``kind`` is what its route says."""
    kind = str(message.get("type") or kind)
    traits = _mapping(message.get("traits")) or _mapping(_mapping(message.get("context")).get("traits"))
    properties = dict(_mapping(message.get("properties")))
    if kind in {"identify", "group"}:
        properties = {**traits, **properties}
    if kind == "group":
        properties["group_id"] = message.get("groupId", message.get("group_id"))
    if kind in {"page", "screen"} and message.get("name"):
        properties.setdefault("name", message["name"])
    context = _context(_mapping(message.get("context")))
    if context:
        properties["$context"] = context
    anonymous = message.get("previousId") if kind == "alias" else message.get("anonymousId")
    is_identify = kind == "identify"
    return {
        "message_id": message.get("messageId", message.get("message_id")),
        "name": _NAME_BY_TYPE.get(kind) or message.get("event"),
        "moment": message.get("originalTimestamp") or message.get("timestamp"),
        "external_id": message.get("userId", message.get("user_id")),
        "anonymous_id": anonymous,
        "email": traits.get("email") if is_identify else None,
        "phone": traits.get("phone") if is_identify else None,
        "properties": properties,
    }


def posthog_fields(message: Mapping[str, Any], _kind: str) -> dict[str, Any]:
    """Return an event's fields from a message of PostHog."""
    given = _mapping(message.get("properties"))
    person = {
        **_mapping(message.get("$set_once")),
        **_mapping(given.get("$set_once")),
        **_mapping(message.get("$set")),
        **_mapping(given.get("$set")),
    }
    properties = {key: value for key, value in given.items() if key not in _POSTHOG_OWN}
    name = message.get("event")
    who = message.get("distinct_id") or given.get("distinct_id")
    is_anonymous = given.get("$process_person_profile") is False or given.get("$is_identified") is False
    known, anonymous = (None, who) if is_anonymous else (who, given.get("$anon_distinct_id"))
    if name == "$create_alias":
        known, anonymous = given.get("alias"), who
    is_identify = name in {"$identify", "$set"}
    return {
        "message_id": message.get("uuid", message.get("messageId")),
        "name": name,
        "moment": message.get("timestamp"),
        "external_id": known,
        "anonymous_id": anonymous,
        "email": person.get("email") if is_identify else None,
        "phone": person.get("phone") if is_identify else None,
        "properties": {**properties, **person} if is_identify else properties,
    }


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one product's messages are read; ``name`` is kept with rejects, so that they can be read again."""

    name: str
    fields: Translate


SEGMENT: Final = Dialect("segment", segment_fields)
POSTHOG: Final = Dialect("posthog", posthog_fields)
_DIALECT_BY_NAME: Final = {each.name: each for each in (SEGMENT, POSTHOG)}


def event_again(message: Any, *, source: str, at: datetime) -> NewEvent | Invalid:
    """Read a kept message once more, by the ``source`` that was kept with it."""
    name, _, kind = source.partition(":")
    return event_from(message, dialect=_DIALECT_BY_NAME[name], kind=kind, at=at, skew=timedelta())


def event_from(
    message: Any, *, dialect: Dialect, kind: str, at: datetime, skew: timedelta
) -> NewEvent | Invalid:
    """Return the event of one message, its moment corrected by ``skew``, or why it is none."""
    source = f"{dialect.name}:{kind}"
    if not isinstance(message, dict):
        return Invalid("malformed", "A message is an object.", "", message, source)
    if flaw := flaw_of(message):
        payload = "" if flaw == TOO_DEEP else message
        return Invalid(flaw, "A text holds U+0000, or the message is nested too deeply.", "", payload, source)
    fields = dialect.fields(message, kind)
    message_id = _text(fields["message_id"]) or _fingerprint(message)
    try:
        return NewEvent(
            message_id=message_id,
            name=_name(fields["name"]),
            occurred_at=_occurred_at(fields["moment"], at, skew),
            properties=fields["properties"],
            **_identities(fields),
        )
    except _Refused as refused:
        return Invalid(refused.reason, refused.detail, message_id, message, source)


class _Refused(ValueError):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def _name(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise _Refused("malformed", "The message names no event.")
    return canonical_name(given)


def _occurred_at(given: Any, at: datetime, skew: timedelta) -> datetime:
    if given is None:
        return at
    moment = moment_of(given)
    if moment is None:
        raise _Refused("malformed", "The timestamp is not a moment in ISO 8601.")
    if not EARLIEST <= moment + skew <= at + CLOCK_SKEW:
        raise _Refused("occurred_at_out_of_range", "Between 2000 and one day from now.")
    return moment + skew


def _identities(fields: Mapping[str, Any]) -> dict[str, str]:
    kinds = ("external_id", "email", "phone", "anonymous_id")
    found = {kind: text for kind in kinds if (text := _text(fields[kind]))}
    if not found:
        raise _Refused("identity_missing", "Name the customer: userId or anonymousId.")
    return found


def _fingerprint(message: Mapping[str, Any]) -> str:
    """Name a message without an id by its content, so that the same one sent again is known."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(message, order="sorted")).hexdigest()


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()[:_LONGEST_ID] or None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _context(context: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what tells where the customer came from; addresses and browsers' fingerprints are not kept."""
    kept = {key: context[key] for key in _CONTEXT if context.get(key)}
    library = _mapping(context.get("library")).get("name")
    return kept | ({"library": library} if library else {})

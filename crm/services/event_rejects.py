"""Events that were not accepted: kept as they came, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from crm.domain.event_catalogue import canonical_name
from crm.domain.events import Invalid, flaw_of
from crm.models import EventReject, EventStatus
from crm.services import event_tallies

_IDENTITY_KEYS: Final = (
    "external_id", "userId", "distinct_id", "email", "phone", "anonymous_id", "anonymousId", "device", "card",
)  # fmt: skip


def keep(invalid: Iterable[Invalid], *, at: datetime, is_counted: bool = True) -> None:
    """Keep what was not accepted; what PostgreSQL cannot store as JSON is kept as text.

    ``is_counted`` is off for events that were accepted and counted, and only had no effect.
    """
    kept = EventReject.objects.bulk_create(
        [
            EventReject(
                received_at=at,
                message_id=_clean(each.message_id, 200),
                name=_name(each.payload),
                identity=_identity(each.payload),
                source=each.source,
                reason=each.reason,
                detail=_clean(each.detail, 500),
                payload=_storable(each.payload),
            )
            for each in invalid
        ]
    )
    if not is_counted:
        return
    event_tallies.add(Counter(reject.name for reject in kept), status=EventStatus.INVALID, at=at)


def _within(payload: Any) -> Iterator[dict[str, Any]]:
    if isinstance(payload, dict):
        yield payload


def _name(payload: Any) -> str:
    given = [document.get(key) or "" for document in _within(payload) for key in ("name", "event", "type")]
    named = next((each for each in given if isinstance(each, str) and each), "")
    return canonical_name(_clean(named, 100))


def _identity(payload: Any) -> str:
    given = [document.get(key) for document in _within(payload) for key in _IDENTITY_KEYS]
    return _clean(str(next((each for each in given if each), "")), 254)


def _clean(text: str, longest: int) -> str:
    return text.replace("\0", "")[:longest]


def _storable(payload: Any) -> Any:
    is_kept_as_text = not isinstance(payload, dict | str) or flaw_of(payload)
    return msgspec.json.encode(payload).decode() if is_kept_as_text else payload

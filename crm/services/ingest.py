"""The ingest of events: a batch is one COPY and one INSERT, with the status of every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import IntegrityError, connection, transaction

from crm.domain.copy_text import copy_text
from crm.domain.event_schemas import violation
from crm.domain.events import Invalid, NewEvent, as_sent
from crm.domain.identities import normalise
from crm.models import EventStatus
from crm.services import event_rejects, event_schemas, event_tallies, identities, identity_links, tombstones
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant_id
from tenants.services import outbox

Pair = tuple[str, str]
Key = tuple[str, datetime]
# How far a message's moment may move when its sender's clock is corrected anew at each attempt.
_SHIFT = timedelta(days=1)

# The table lives as long as the connection and is emptied by every commit: no catalogue churn, no leak.
# A second batch in the same transaction must not meet the first one's rows.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_event (
    message_id text COLLATE "C", occurred_at timestamptz, name text, customer_id bigint, properties jsonb
) ON COMMIT DELETE ROWS;
DELETE FROM staged_event
"""
_COPY = "COPY staged_event (message_id, occurred_at, name, customer_id, properties) FROM STDIN"
_INSERT = """
INSERT INTO crm_event (tenant_id, message_id, occurred_at, received_at, name, customer_id, properties)
SELECT %s, message_id, occurred_at, %s, name, customer_id, properties FROM staged_event
"""
_SKIP_KNOWN = "ON CONFLICT (tenant_id, message_id, occurred_at) DO NOTHING"
# Staged and inserted rows carry the id of one (sub)transaction; what was there before carries another.
_KNOWN_BEFORE = """
SELECT s.message_id, s.occurred_at FROM staged_event s
JOIN crm_event e ON e.tenant_id = %s AND e.message_id = s.message_id AND e.occurred_at = s.occurred_at
WHERE e.xmin <> s.xmin
"""
_KNOWN_NEARBY = """
SELECT message_id FROM crm_event
WHERE tenant_id = %s AND message_id = ANY(%s) AND occurred_at BETWEEN %s AND %s
"""

_ERASED = "identity_erased"
_NOBODY: Pair = ("", "")


class Outcome(msgspec.Struct, omit_defaults=True):
    """What became of one event of the batch."""

    message_id: str
    status: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcomes in the order of the batch."""

    outcomes: list[Outcome]

    @property
    def counts(self) -> Counter[str]:
        return Counter(each.status for each in self.outcomes)


@transaction.atomic
def accept(
    *,
    batch: Sequence[NewEvent | Invalid],
    by: Actor,
    at: datetime,
    is_shifted: bool = False,
    keeps_rejects: bool = True,
) -> Receipt:
    """Store a batch; publishes ``crm.events_recorded`` once. Invalid events are kept as rejects.

    ``is_shifted`` says that the moments were corrected for the sender's clock, so that a message sent again
    carries another one: then a message id known within a day of it is a duplicate too. ``keeps_rejects`` is
    off for who keeps them already.
    """
    by.require(Permission.EVENTS_INGEST)
    judged, pairs = _addressed(_matching_schemas(batch))
    if erased := tombstones.erased(set(pairs.values())):
        judged = [_forgotten(each, pairs, erased) for each in judged]
        pairs = {given: pair for given, pair in pairs.items() if pair not in erased}
    invalid = [each for each in judged if isinstance(each, Invalid)]
    # Of somebody who was erased not even the refusal is kept.
    kept = [each for each in invalid if each.reason != _ERASED]
    if kept and keeps_rejects:
        event_rejects.keep(kept, at=at)
    events = [each for each in judged if isinstance(each, NewEvent)] if invalid else list(judged)
    fresh = _fresh(events, is_shifted=is_shifted)  # type: ignore[arg-type]  # none is Invalid
    inserted = _store(fresh, pairs, at) if fresh else fresh
    if inserted:
        _publish(inserted, at)
        identity_links.publish(events=inserted.values(), spelled=pairs, at=at)
    if len(inserted) < len(events):
        _tally_duplicates(events, inserted, at)  # type: ignore[arg-type]  # none is Invalid
    return Receipt(_outcomes(judged, inserted))


def _matching_schemas(batch: Sequence[NewEvent | Invalid]) -> Sequence[NewEvent | Invalid]:
    """Return the batch, events that violate a locked schema made invalid."""
    enforced = event_schemas.enforced()
    if not enforced:
        return batch
    return [_matching(each, enforced) for each in batch]


def _matching(each: NewEvent | Invalid, enforced: Mapping[str, Mapping[str, str]]) -> NewEvent | Invalid:
    if isinstance(each, Invalid) or each.name not in enforced:
        return each
    wrong = violation(each.properties, enforced[each.name])
    if not wrong:
        return each
    return Invalid("schema_violation", wrong, each.message_id, as_sent(each))


def _addressed(batch: Sequence[NewEvent | Invalid]) -> tuple[list[NewEvent | Invalid], dict[Pair, Pair]]:
    """Return the batch, events of impossible identities made invalid, and each identity's one spelling."""
    judged = list(batch)
    given = [None if isinstance(each, Invalid) else each.identity or _NOBODY for each in batch]
    pairs = [pair for pair in dict.fromkeys(given) if pair]
    spelling = identities.spelling_of({kind for kind, _ in pairs})
    spelled = {pair: (pair[0], normalise(*pair, spelling)) for pair in pairs}
    impossible = {pair for pair, (_, value) in spelled.items() if not value}
    if not impossible:
        return judged, spelled
    for position, (each, pair) in enumerate(zip(batch, given, strict=True)):
        if pair in impossible and isinstance(each, NewEvent):
            detail = f"Not a valid {pair[0]}."
            judged[position] = Invalid("identity_invalid", detail, each.message_id, as_sent(each))
    return judged, {pair: spelled[pair] for pair in pairs if pair not in impossible}


def _forgotten(each: NewEvent | Invalid, pairs: dict[Pair, Pair], erased: set[Pair]) -> NewEvent | Invalid:
    if isinstance(each, NewEvent) and each.identity and pairs[each.identity] in erased:
        return Invalid(_ERASED, "This identity's person was erased.", each.message_id, None)
    return each


def _fresh(events: list[NewEvent], *, is_shifted: bool) -> dict[Key, NewEvent]:
    """Return the events by key, the first of each; without those known nearby."""
    fresh = {(each.message_id, each.occurred_at): each for each in events}
    if len(fresh) < len(events):
        fresh = {(each.message_id, each.occurred_at): each for each in reversed(events)}
    if is_shifted and fresh:
        moments = [moment for _, moment in fresh]
        span = [min(moments) - _SHIFT, max(moments) + _SHIFT]
        with connection.cursor() as cursor:
            cursor.execute(_KNOWN_NEARBY, [active_tenant_id(), [each for each, _ in fresh], *span])
            known = {row[0] for row in cursor.fetchall()}
        fresh = {key: each for key, each in fresh.items() if key[0] not in known}
    return fresh


def _store(events: dict[Key, NewEvent], spelled: dict[Pair, Pair], at: datetime) -> dict[Key, NewEvent]:
    """Insert the events and return those that were not there before."""
    customer_by_identity = identities.resolve_or_create(set(spelled.values()), at=at)
    reference = {given: str(customer_by_identity[pair]) for given, pair in spelled.items()}
    text = copy_text(_rows(list(events.values()), reference))
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.cursor.copy(_COPY) as copy:
            copy.write(text)
        values = (active_tenant_id(), at)
        # Nearly always all are new, and looking before each row takes a quarter longer than finding it so.
        try:
            with transaction.atomic():
                cursor.execute(_INSERT, values)
        except IntegrityError:
            cursor.execute(_INSERT + _SKIP_KNOWN, values)
        else:
            return events
        cursor.execute(_KNOWN_BEFORE, [active_tenant_id()])
        known = set(cursor.fetchall())
    return {key: each for key, each in events.items() if key not in known}


def _rows(events: list[NewEvent], reference: dict[Pair, str]) -> list[tuple[str, ...]]:
    properties = msgspec.json.Encoder().encode_lines([each.properties for each in events]).decode()
    return [
        (
            event.message_id,
            event.occurred_at.isoformat(),
            event.name,
            reference[event.identity],  # type: ignore[index]  # every one has an identity by now
            encoded,
        )
        for event, encoded in zip(events, properties.split("\n"), strict=False)
    ]


def _publish(inserted: dict[Key, NewEvent], at: datetime) -> None:
    moments = [occurred_at for _, occurred_at in inserted]
    batch = {
        "message_ids": [message_id for message_id, _ in inserted],
        "first_at": min(moments).isoformat(),
        "last_at": max(moments).isoformat(),
    }
    outbox.publish(topic="crm.events_recorded", payload={"batch": batch}, at=at)


def _tally_duplicates(events: list[NewEvent], inserted: dict[Key, NewEvent], at: datetime) -> None:
    """Count what came again, by name; the batch's other events are counted when they are read."""
    counts = Counter(each.name for each in events)
    counts.subtract(each.name for each in inserted.values())
    event_tallies.add(+counts, status=EventStatus.DUPLICATE, at=at)


def _outcomes(judged: Sequence[NewEvent | Invalid], inserted: dict[Key, NewEvent]) -> list[Outcome]:
    if len(inserted) == len(judged):
        return [Outcome(each.message_id, "accepted") for each in judged]
    left = set(inserted)
    outcomes: list[Outcome] = []
    for each in judged:
        if isinstance(each, Invalid):
            outcomes.append(Outcome(each.message_id, "invalid", each.reason, each.detail))
            continue
        key = (each.message_id, each.occurred_at)
        outcomes.append(Outcome(each.message_id, "accepted" if key in left else "duplicate"))
        left.discard(key)
    return outcomes

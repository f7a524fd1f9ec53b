"""The ingest of events: a batch is one COPY and one INSERT, with the status of every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from crm.domain.events import Invalid, NewEvent, flaw_of
from crm.domain.identities import normalise
from crm.models import EventReject
from crm.services import identities, partitions
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant_id
from tenants.services import outbox

# The table lives as long as the connection and is emptied by every commit: no catalogue churn, no leak.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_event (
    message_id text COLLATE "C", occurred_at timestamptz, name text, customer_id bigint, properties jsonb
) ON COMMIT DELETE ROWS
"""
_INSERT = """
INSERT INTO crm_event (tenant_id, message_id, occurred_at, received_at, name, customer_id, properties)
SELECT %s, message_id, occurred_at, %s, name, customer_id, properties FROM staged_event
ON CONFLICT (tenant_id, message_id, occurred_at) DO NOTHING
RETURNING message_id, occurred_at
"""
_TOUCH = """
UPDATE crm_customer c SET
    last_seen_at = greatest(c.last_seen_at, seen.last_at),
    first_seen_at = least(c.first_seen_at, seen.first_at)
FROM (
    SELECT e.customer_id, max(e.occurred_at) AS last_at, min(e.occurred_at) AS first_at
    FROM crm_event e WHERE e.tenant_id = %(tenant)s AND e.message_id = ANY(%(message_ids)s)
      AND e.occurred_at BETWEEN %(first_at)s AND %(last_at)s
    GROUP BY e.customer_id
) seen
WHERE c.tenant_id = %(tenant)s AND c.id = seen.customer_id
  AND (c.last_seen_at IS NULL OR c.last_seen_at < seen.last_at OR c.first_seen_at > seen.first_at)
"""


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
def accept(*, batch: Sequence[NewEvent | Invalid], by: Actor, at: datetime) -> Receipt:
    """Store a batch; publishes ``crm.events_recorded`` once. Invalid events are kept as rejects."""
    by.require(Permission.EVENTS_INGEST)
    judged = [_with_identity(each) for each in batch]
    invalid = [each for each in judged if isinstance(each, Invalid)]
    events = [each for each in judged if not isinstance(each, Invalid)]
    _keep_rejects(invalid, at)
    inserted = _store(events, at) if events else set()
    if inserted:
        _publish(inserted, at)
    return Receipt(_outcomes(judged, inserted))


@dataclass(frozen=True, slots=True)
class _Addressed:
    event: NewEvent
    identity: tuple[str, str]


def _with_identity(each: NewEvent | Invalid) -> _Addressed | Invalid:
    if isinstance(each, Invalid):
        return each
    kind, value = each.identity or ("", "")
    spelled = normalise(kind, value)
    if not spelled:
        return Invalid("identity_invalid", f"Not a valid {kind}.", each.message_id, msgspec.to_builtins(each))
    return _Addressed(each, (kind, spelled))


def _store(events: list[_Addressed], at: datetime) -> set[tuple[str, datetime]]:
    partitions.ensure_months_of(each.event.occurred_at for each in events)
    customer_by_identity = identities.resolve_or_create({each.identity for each in events}, at=at)
    encode = msgspec.json.Encoder().encode
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        command = "COPY staged_event (message_id, occurred_at, name, customer_id, properties) FROM STDIN"
        with cursor.cursor.copy(command) as copy:
            for each in events:
                event = each.event
                copy.write_row(
                    (
                        event.message_id,
                        event.occurred_at,
                        event.name,
                        customer_by_identity[each.identity],
                        encode(event.properties).decode(),
                    )
                )
        cursor.execute(_INSERT, [active_tenant_id(), at])
        inserted = set(cursor.fetchall())
        # A second batch in the same transaction must not meet this one's rows.
        cursor.execute("DELETE FROM staged_event")
    return inserted


def _publish(inserted: set[tuple[str, datetime]], at: datetime) -> None:
    moments = [occurred_at for _, occurred_at in inserted]
    batch = {
        "message_ids": sorted(message_id for message_id, _ in inserted),
        "first_at": min(moments).isoformat(),
        "last_at": max(moments).isoformat(),
    }
    outbox.publish(topic="crm.events_recorded", payload={"batch": batch}, at=at)


def _outcomes(judged: Sequence[_Addressed | Invalid], inserted: set[tuple[str, datetime]]) -> list[Outcome]:
    left = set(inserted)
    outcomes: list[Outcome] = []
    for each in judged:
        if isinstance(each, Invalid):
            outcomes.append(Outcome(each.message_id, "invalid", each.reason, each.detail))
            continue
        key = (each.event.message_id, each.event.occurred_at)
        outcomes.append(Outcome(each.event.message_id, "accepted" if key in left else "duplicate"))
        left.discard(key)
    return outcomes


def _keep_rejects(invalid: list[Invalid], at: datetime) -> None:
    EventReject.objects.bulk_create(
        [
            EventReject(
                received_at=at,
                message_id=each.message_id.replace("\0", ""),
                reason=each.reason,
                detail=each.detail[:500].replace("\0", ""),
                payload=_storable(each.payload),
            )
            for each in invalid
        ]
    )


def _storable(payload: Any) -> Any:
    if flaw_of(payload):
        return msgspec.json.encode(payload).decode()
    return payload


@transaction.atomic
def touch_seen(*, message_ids: Sequence[str], first_at: str, last_at: str) -> None:
    """Move the seen dates of the customers of these events."""
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "message_ids": list(message_ids),
        "first_at": first_at,
        "last_at": last_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, params)

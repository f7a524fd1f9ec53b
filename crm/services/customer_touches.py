"""Notes of customers to whom something happened: what the incremental refresh of segments works off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tenants.scope import active_tenant_id

# Above this a full refresh is cheaper than thousands of look-ups, and one note says it all.
MOST_AT_ONCE = 10_000
_ADD = """
INSERT INTO crm_customertouch (tenant_id, customer_id, touched_at)
SELECT %s, customer_id, statement_timestamp() FROM unnest(%s::bigint[]) customer_id
"""
_ADD_OF_EVENTS = """
INSERT INTO crm_customertouch (tenant_id, customer_id, touched_at)
SELECT %(tenant)s, e.customer_id, statement_timestamp() FROM crm_event e
WHERE e.tenant_id = %(tenant)s AND e.message_id = ANY(%(message_ids)s)
  AND e.occurred_at BETWEEN %(first_at)s AND %(last_at)s
GROUP BY e.customer_id
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a run works off: the notes it has seen and their customers; all of them if ``is_everyone``."""

    note_ids: tuple[int, ...]
    customer_ids: tuple[int, ...]
    is_everyone: bool


def add(customer_ids: Collection[int]) -> None:
    """Note these customers in the transaction of the change; very many at once are noted as everyone."""
    if len(customer_ids) > MOST_AT_ONCE:
        add_everyone()
    elif customer_ids:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [active_tenant_id(), sorted(set(customer_ids))])


def add_everyone() -> None:
    """Note that a full refresh is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_customertouch (tenant_id, touched_at) VALUES (%s, statement_timestamp())",
            [active_tenant_id()],
        )


def add_of_events(*, message_ids: Sequence[str], first_at: str, last_at: str) -> None:
    """Note the customers of these events."""
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "message_ids": list(message_ids),
        "first_at": first_at,
        "last_at": last_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD_OF_EVENTS, params)


def waiting(limit: int) -> Touched:
    """Return the oldest notes, at most ``limit``; they stay until ``forget`` says that they were seen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, customer_id FROM crm_customertouch WHERE tenant_id = %s ORDER BY id LIMIT %s",
            [active_tenant_id(), limit],
        )
        rows = cursor.fetchall()
    customer_ids = {customer_id for _, customer_id in rows if customer_id is not None}
    is_everyone = any(customer_id is None for _, customer_id in rows) or len(customer_ids) > MOST_AT_ONCE
    return Touched(tuple(note_id for note_id, _ in rows), tuple(sorted(customer_ids)), is_everyone)


def forget(note_ids: Sequence[int]) -> None:
    """Delete the notes that a run has seen; those that committed meanwhile stay for the next."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM crm_customertouch WHERE tenant_id = %s AND id = ANY(%s)",
            [active_tenant_id(), list(note_ids)],
        )

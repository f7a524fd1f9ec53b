"""Notes of customers to whom something happened: what the incremental refresh of segments works off."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from tenants.scope import active_tenant_id

# Above this a full refresh is cheaper than thousands of look-ups, and one note says it all.
MOST_AT_ONCE = 10_000
_ADD = """
INSERT INTO crm_customertouch (tenant_id, customer_id, is_history, touched_at)
SELECT %s, customer_id, %s, statement_timestamp() FROM unnest(%s::bigint[]) customer_id
"""
_ADD_FOUND = """
INSERT INTO crm_customertouch (tenant_id, customer_id, is_history, touched_at)
SELECT DISTINCT %s, found.customer_id, false, statement_timestamp() FROM ({select}) found
"""
_ADD_OF_EVENTS = """
INSERT INTO crm_customertouch (tenant_id, customer_id, is_history, since, touched_at)
SELECT %(tenant)s, e.customer_id, true, min(e.occurred_at), statement_timestamp() FROM crm_event e
WHERE e.tenant_id = %(tenant)s AND e.message_id = ANY(%(message_ids)s)
  AND e.occurred_at BETWEEN %(first_at)s AND %(last_at)s
GROUP BY e.customer_id
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a run works off: the notes it has seen and their customers; all of them if ``is_everyone``.

    ``history_ids`` are those whose events or orders changed, whatever of them; everybody's if
    ``is_history_of_everyone``. ``since_by_customer`` are those to whom only events came, from that moment on.
    """

    note_ids: tuple[int, ...]
    customer_ids: tuple[int, ...]
    is_everyone: bool
    history_ids: tuple[int, ...]
    is_history_of_everyone: bool
    since_by_customer: Mapping[int, datetime]


def add(customer_ids: Collection[int], *, is_history: bool = True) -> None:
    """Note these customers in the transaction of the change; very many at once are noted as everyone.

    ``is_history`` says that events or orders changed, and with them the profile.
    """
    if len(customer_ids) > MOST_AT_ONCE:
        add_everyone(is_history=is_history)
    elif customer_ids:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [active_tenant_id(), is_history, sorted(set(customer_ids))])


def add_everyone(*, is_history: bool = True) -> None:
    """Note that a full refresh is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_customertouch (tenant_id, is_history, touched_at)"
            " VALUES (%s, %s, statement_timestamp())",
            [active_tenant_id(), is_history],
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


def add_found(select: str, params: Sequence[Any]) -> None:
    """Note the customers that a query names in its column ``customer_id``, without carrying them here."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD_FOUND.replace("{select}", select), [active_tenant_id(), *params])


def add_told(customer_ids: Collection[int], *, count: int) -> None:
    """Note those of ``count`` changed customers that a message names; everyone when it does not name all."""
    if count > len(customer_ids):
        add_everyone(is_history=False)
    else:
        add(customer_ids, is_history=False)


def waiting(limit: int) -> Touched:
    """Return the oldest notes, at most ``limit``; they stay until ``forget`` says that they were seen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, customer_id, is_history, since FROM crm_customertouch WHERE tenant_id = %s"
            " ORDER BY id LIMIT %s",
            [active_tenant_id(), limit],
        )
        rows = cursor.fetchall()
    customer_ids = {row[1] for row in rows if row[1] is not None}
    changed = [
        (customer_id, since) for _, customer_id, is_history, since in rows if is_history and customer_id
    ]
    history_ids = {customer_id for customer_id, since in changed if since is None}
    since_by_customer: dict[int, datetime] = {}
    for customer_id, since in changed:
        if customer_id not in history_ids:
            since_by_customer[customer_id] = min(since, since_by_customer.get(customer_id, since))
    return Touched(
        note_ids=tuple(row[0] for row in rows),
        customer_ids=tuple(sorted(customer_ids)),
        is_everyone=any(row[1] is None for row in rows) or len(customer_ids) > MOST_AT_ONCE,
        history_ids=tuple(sorted(history_ids)),
        is_history_of_everyone=any(row[1] is None and row[2] for row in rows),
        since_by_customer=since_by_customer,
    )


def forget(note_ids: Sequence[int]) -> None:
    """Delete the notes that a run has seen; those that committed meanwhile stay for the next."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM crm_customertouch WHERE tenant_id = %s AND id = ANY(%s)",
            [active_tenant_id(), list(note_ids)],
        )

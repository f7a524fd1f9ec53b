"""What made pending points usable in some days: events that name an order, and staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from rewards.domain.past import RELEASED, Released
from rewards.domain.programs import Revision
from rewards.domain.wallets import Pending, awaited, events_awaited, named_order, released_by_staff
from rewards.models import DecisionEvent
from rewards.queries import programs
from rewards.queries.rehearsal_rows import rows

_RELEASING: Final = """
    SELECT e.occurred_at, e.name, e.properties::text FROM crm_event e
    WHERE e.tenant_id = %(tenant)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
      AND e.name = ANY(%(names)s)
    ORDER BY e.occurred_at, e.message_id
"""
_ORDERS_NAMED: Final = """
    SELECT external_id, id, customer_id FROM crm_order
    WHERE tenant_id = %(tenant)s AND external_id = ANY(%(names)s) AND customer_id IS NOT NULL
"""
# What was earned before begins as a lot that activates when it was released. A lot does not say what made it
# usable; the audit log does, at the same moment. One that moved with a merge is that of its first account.
_BY_STAFF: Final = """
    WITH RECURSIVE owner AS (
        SELECT a.id, a.customer_id, a.moved_to_id FROM rewards_account a WHERE a.tenant_id = %(tenant)s
        UNION ALL
        SELECT o.id, h.customer_id, h.moved_to_id FROM owner o
        JOIN rewards_account h ON h.tenant_id = %(tenant)s AND h.id = o.moved_to_id
    ), freed AS (
        SELECT l.id, l.moved_from_id, l.account_id, l.available_from
        FROM tenants_auditentry a
        JOIN rewards_lot l
            ON l.tenant_id = %(tenant)s AND l.account_id = a.target_id::bigint AND l.available_from = a.at
           AND NOT l.is_pending AND (l.activates_at IS NULL OR l.available_from < l.activates_at)
        WHERE a.tenant_id = %(tenant)s AND a.target_type = 'rewards.account' AND a.action = 'points.released'
          AND a.at >= %(since)s AND a.at < %(until)s
        UNION
        SELECT l.id, l.moved_from_id, f.account_id, f.available_from
        FROM freed f JOIN rewards_lot l ON l.tenant_id = %(tenant)s AND l.id = f.moved_from_id
    )
    SELECT f.available_from, o.customer_id, t.id, t.source_type, t.source_id
    FROM freed f
    JOIN owner o ON o.id = f.account_id AND o.moved_to_id IS NULL
    JOIN rewards_ledgerentry e ON e.tenant_id = %(tenant)s AND e.lot_id = f.id AND e.points > 0
    JOIN rewards_ledgertransaction t
        ON t.tenant_id = %(tenant)s AND t.id = e.transaction_id AND t.kind = 'earn'
       AND t.occurred_at >= %(since)s
    ORDER BY f.available_from, f.id
"""
# Under these names rules and challenges give anew what they gave; other postings are repeated as they are.
_PLAYED: Final = frozenset({*(event.value for event in DecisionEvent), "challenge"})


def by_events(since: datetime, until: datetime, revision: Revision) -> list[Released]:
    """Return the events that pending points of an order wait for."""
    # Lots of before wait for what the revisions of before said.
    names = events_awaited(revision.wallets) | programs.awaited_events()
    if not names:
        return []
    named = [
        (at, name, order)
        for at, name, text in rows(_RELEASING, since=since, until=until, names=sorted(names))
        if (order := named_order(msgspec.json.decode(text))) is not None
    ]
    ids = {
        name: (order_id, customer_id)
        for name, order_id, customer_id in rows(
            _ORDERS_NAMED, names=sorted({order for _at, _name, order in named})
        )
    }
    return [
        Released(at, RELEASED, number, ids[order][1], awaited(name, "order", ids[order][0]))
        for number, (at, name, order) in enumerate(named)
        if order in ids
    ]


def by_staff(since: datetime, until: datetime, revision: Revision) -> Sequence[Released]:
    """Return what staff released of what was earned in a span, where points wait for anything."""
    if all(wallet.pending == Pending() for wallet in revision.wallets):
        return []
    found = []
    for at, customer_id, posting, source_type, source in rows(_BY_STAFF, since=since, until=until):
        name = (source_type, source) if source_type in _PLAYED else ("posting", str(posting))
        found.append(Released(at, RELEASED, posting, customer_id, released_by_staff(*name)))
    return found

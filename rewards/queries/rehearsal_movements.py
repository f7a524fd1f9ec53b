"""Real postings that no rule made, for a rehearsal to repeat."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from rewards.domain.movements import Moved, Movement, Movements
from rewards.domain.past import MOVED
from rewards.models import DecisionEvent, TransactionKind
from tenants.scope import active_tenant_id

_PAGE: Final = 10_000
_RULE: Final = "rule"
# What rules and challenges give and returns take, and what follows by itself, is worked out anew.
_PLAYED: Final = [*(event.value for event in DecisionEvent), "challenge", "challenge_taken_back"]
_FOLLOWING: Final = [
    kind.value
    for kind in (
        TransactionKind.EXPIRE,
        TransactionKind.REPAY,
        TransactionKind.MERGE_OUT,
        TransactionKind.MERGE_IN,
    )
]
_BY_KIND: Final = {
    TransactionKind.EARN: Movement.EARNED,
    TransactionKind.REDEEM: Movement.SPENT,
    TransactionKind.CANCEL: Movement.CANCELLED,
    TransactionKind.TRANSFER_OUT: Movement.SENT,
    TransactionKind.TRANSFER_IN: Movement.RECEIVED,
    TransactionKind.RETURN: Movement.REVERSED,
}
# Whoever owns a merged account now is whose events are played.
_POSTINGS: Final = """
    WITH RECURSIVE owner AS (
        SELECT a.id, a.wallet_id, a.customer_id, a.moved_to_id FROM rewards_account a
        WHERE a.tenant_id = %(tenant)s
        UNION ALL
        SELECT o.id, o.wallet_id, h.customer_id, h.moved_to_id FROM owner o
        JOIN rewards_account h ON h.tenant_id = %(tenant)s AND h.id = o.moved_to_id
    )
    SELECT t.occurred_at, t.id, o.customer_id, w.key, t.kind, t.source_type, t.points,
           COALESCE(t.reverses_id, sent.id, 0)
    FROM rewards_ledgertransaction t
    JOIN owner o ON o.id = t.account_id AND o.moved_to_id IS NULL
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = o.wallet_id
    LEFT JOIN rewards_ledgertransaction sent
        ON t.kind = 'transfer_in' AND sent.tenant_id = %(tenant)s AND sent.source_type = t.source_type
       AND sent.source_id = regexp_replace(t.source_id, ':in$', ':out')
    WHERE t.tenant_id = %(tenant)s AND t.occurred_at >= %(since)s AND t.occurred_at < %(until)s
      AND t.source_type <> ALL(%(played)s) AND t.kind <> ALL(%(following)s) AND t.points <> 0
    ORDER BY t.occurred_at, t.id
"""
_LINES: Final = """
    SELECT t.id, t.points, e.lot_id, -e.points, l.expires_at, l.available_from
    FROM rewards_ledgertransaction t
    JOIN rewards_ledgerentry e ON e.tenant_id = %(tenant)s AND e.transaction_id = t.id
    JOIN rewards_lot l ON l.tenant_id = %(tenant)s AND l.id = e.lot_id
    WHERE t.tenant_id = %(tenant)s AND t.id = ANY(%(postings)s) AND t.occurred_at < %(since)s
    ORDER BY e.id
"""


class Line(NamedTuple):
    """What a posting of before took from a lot, below zero what it credited."""

    posting: int
    posted: int
    lot: int
    taken: int
    expires_at: datetime | None
    available_from: datetime


def between(since: datetime, until: datetime) -> Movements:
    """Return what moved in a span."""
    rows = _rows(_POSTINGS, since=since, until=until, played=_PLAYED, following=_FOLLOWING)
    return Movements(
        Moved(at, MOVED, number, customer_id, wallet, _movement(kind, source, points), abs(points), other)
        for at, number, customer_id, wallet, kind, source, points, other in rows
    )


def lines(postings: Collection[int], since: datetime) -> Iterator[Line]:
    """Yield the lots of postings of before that are undone later."""
    yield from map(Line._make, _rows(_LINES, postings=list(postings), since=since))


def _movement(kind: str, source_type: str, points: int) -> Movement:
    if kind == TransactionKind.ADJUST:
        return Movement.ADDED if points > 0 else Movement.REMOVED
    if kind == TransactionKind.REVERSAL:
        return Movement.RESTORED if points > 0 else Movement.REVERSED
    if kind == TransactionKind.EARN and source_type == _RULE:
        return Movement.GIFT
    return _BY_KIND[TransactionKind(kind)]


def _rows(statement: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        while page := cursor.fetchmany(_PAGE):
            yield from page

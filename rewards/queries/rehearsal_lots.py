"""The points with which a rehearsal begins: lots, debts and what returned orders earned, as of a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from rewards.domain.lots import LotBalance
from rewards.domain.pots import LinePoints
from rewards.domain.sources import source_id
from rewards.queries import earned_pots
from tenants.scope import active_tenant_id

_PAGE: Final = 10_000
# What is there now less what came and went since. Of members who are not told apart, lots that end together
# are one, and so are those that end at the horizon or later. A lot that was pending then and is not any more
# was released at `available_from`; whoever owns a merged account now owned it then.
_LOTS: Final = """
    WITH RECURSIVE moved AS MATERIALIZED (
        SELECT e.lot_id, SUM(e.points)::bigint AS points
        FROM rewards_ledgertransaction t
        JOIN rewards_ledgerentry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
        WHERE t.tenant_id = %(tenant)s AND t.occurred_at >= %(since)s AND e.lot_id IS NOT NULL
        GROUP BY e.lot_id
    ), owner AS (
        SELECT a.id, a.customer_id, a.moved_to_id FROM rewards_account a WHERE a.tenant_id = %(tenant)s
        UNION ALL
        SELECT o.id, h.customer_id, h.moved_to_id FROM owner o
        JOIN rewards_account h ON h.tenant_id = %(tenant)s AND h.id = o.moved_to_id
    ), lot AS (
        SELECT o.customer_id, w.key AS wallet, l.id, l.remaining - COALESCE(m.points, 0) AS remaining,
               l.expires_at, l.is_pending OR l.available_from >= %(since)s AS is_pending,
               CASE WHEN l.is_pending THEN l.activates_at ELSE l.available_from END AS activates_at,
               l.available_from, l.awaits,
               %(apart)s::bigint[] IS NULL OR o.customer_id = ANY(%(apart)s) AS is_apart
        FROM rewards_lot l
        LEFT JOIN moved m ON m.lot_id = l.id
        JOIN owner o ON o.id = l.account_id AND o.moved_to_id IS NULL
        JOIN rewards_account a ON a.tenant_id = %(tenant)s AND a.id = l.account_id
        JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
        WHERE l.tenant_id = %(tenant)s AND (l.is_open OR m.lot_id IS NOT NULL)
          AND l.remaining > COALESCE(m.points, 0)
    )
    SELECT customer_id, wallet, MIN(id), SUM(remaining)::bigint,
           CASE WHEN is_apart OR expires_at < %(horizon)s THEN expires_at END,
           is_pending, CASE WHEN is_pending THEN activates_at END, MIN(available_from),
           CASE WHEN is_pending THEN awaits ELSE '' END
    FROM lot
    GROUP BY customer_id, wallet, CASE WHEN is_apart THEN id END, 5, 6, 7, 9
    ORDER BY 3
"""
_DEBTS: Final = """
    WITH moved AS (
        SELECT e.account_id, SUM(e.points)::bigint AS points
        FROM rewards_ledgertransaction t
        JOIN rewards_ledgerentry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
        WHERE t.tenant_id = %(tenant)s AND t.occurred_at >= %(since)s AND e.lot_id IS NULL
        GROUP BY e.account_id
    )
    SELECT a.customer_id, w.key, a.debt + COALESCE(m.points, 0)
    FROM rewards_account a
    LEFT JOIN moved m ON m.account_id = a.id
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    WHERE a.tenant_id = %(tenant)s AND a.debt + COALESCE(m.points, 0) > 0
"""
# Of every wallet what members have at a moment, as far as it has not ended by then, less what they owe.
_OUTSTANDING: Final = """
    WITH moved AS MATERIALIZED (
        SELECT e.account_id, e.lot_id, SUM(e.points)::bigint AS points
        FROM rewards_ledgertransaction t
        JOIN rewards_ledgerentry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
        WHERE t.tenant_id = %(tenant)s AND t.occurred_at >= %(at)s
        GROUP BY e.account_id, e.lot_id
    ), held AS (
        SELECT l.account_id, l.remaining - COALESCE(m.points, 0) AS points
        FROM rewards_lot l LEFT JOIN moved m ON m.lot_id = l.id
        WHERE l.tenant_id = %(tenant)s AND (l.is_open OR m.lot_id IS NOT NULL)
          AND (l.expires_at IS NULL OR l.expires_at >= %(at)s)
        UNION ALL
        SELECT a.id, -a.debt FROM rewards_account a WHERE a.tenant_id = %(tenant)s AND a.debt > 0
        UNION ALL
        SELECT m.account_id, -m.points FROM moved m WHERE m.lot_id IS NULL
    )
    SELECT w.key, SUM(h.points)::bigint FROM held h
    JOIN rewards_account a ON a.tenant_id = %(tenant)s AND a.id = h.account_id
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    GROUP BY w.key
"""
_RETURNED: Final = """
    SELECT DISTINCT r.order_id, o.customer_id, o.placed_at < %(since)s FROM crm_return r
    JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = r.order_id AND o.customer_id IS NOT NULL
    WHERE r.tenant_id = %(tenant)s AND r.returned_at >= %(since)s AND r.returned_at < %(until)s
"""
_UNITS: Final = """
    SELECT r.order_id, ol.position, SUM(l.quantity)::bigint
    FROM crm_return r
    JOIN crm_returnline l ON l.tenant_id = %(tenant)s AND l.parent_id = r.id
    JOIN crm_orderline ol ON ol.tenant_id = %(tenant)s AND ol.id = l.order_line_id
    JOIN rewards_decisionrecord d
        ON d.tenant_id = %(tenant)s AND d.event_type = 'return' AND d.event_id = r.id
    WHERE r.tenant_id = %(tenant)s AND r.returned_at < %(since)s AND r.order_id = ANY(%(orders)s)
    GROUP BY 1, 2
"""
# A lot that moved with a merge before the moment is found where it was then.
_EARNED_LOTS: Final = """
    WITH RECURSIVE earned AS (
        SELECT e.transaction_id, e.lot_id FROM rewards_ledgerentry e
        WHERE e.tenant_id = %(tenant)s AND e.transaction_id = ANY(%(transactions)s)
          AND e.lot_id IS NOT NULL AND e.points > 0
        UNION ALL
        SELECT c.transaction_id, l.moved_to_id FROM earned c
        JOIN rewards_lot l ON l.tenant_id = %(tenant)s AND l.id = c.lot_id AND l.moved_to_id IS NOT NULL
    )
    SELECT transaction_id, lot_id FROM earned
"""


class ReturnedOrders(NamedTuple):
    """Orders that something is given back of in a span, those placed before it, and their buyers."""

    ids: frozenset[int]
    earlier: frozenset[int]
    customer_ids: frozenset[int]


class Opened(NamedTuple):
    """A lot of a member, with its number in the ledger: of lots taken together the first one's."""

    customer_id: int
    wallet: str
    number: int
    lot: LotBalance


def returned_orders(since: datetime, until: datetime) -> ReturnedOrders:
    """Return the orders of which something is given back in the span."""
    rows = list(_rows(_RETURNED, since=since, until=until))
    return ReturnedOrders(
        frozenset(order_id for order_id, _customer, _is_earlier in rows),
        frozenset(order_id for order_id, _customer, is_earlier in rows if is_earlier),
        frozenset(customer_id for _order, customer_id, _is_earlier in rows),
    )


def lots(since: datetime, horizon: datetime, told_apart: Collection[int] | None) -> Iterator[Opened]:
    """Yield what members had a moment before ``since``, the oldest first; ``None`` tells everybody apart."""
    for customer_id, wallet, number, remaining, expires_at, is_pending, activates_at, begins, awaits in _rows(
        _LOTS, since=since, horizon=horizon, apart=None if told_apart is None else list(told_apart)
    ):
        lot = LotBalance(number, remaining, expires_at, 0, is_pending, activates_at, begins, awaits)
        yield Opened(customer_id, wallet, number, lot)


def debts(since: datetime) -> Iterator[tuple[int, str, int]]:
    """Yield (customer, wallet, points) of what members owed a moment before ``since``."""
    yield from _rows(_DEBTS, since=since)


def outstanding(at: datetime) -> dict[str, int]:
    """Return what members really have in each wallet a moment before ``at``, less their debts."""
    return dict(_rows(_OUTSTANDING, at=at))


def earned(order_ids: Collection[int]) -> dict[int, LinePoints]:
    """Return what orders of before really earned, by pot and line."""
    return earned_pots.of_orders(order_ids)


def earned_lots(earned: dict[int, LinePoints]) -> dict[tuple[int, str], list[int]]:
    """Return the numbers of the lots that each pot of an order went to, on its way from merge to merge."""
    by_source = earned_pots.transactions(earned)
    numbers = lots_of(list(by_source.values()))
    return {
        (order_id, pot): numbers.get(by_source.get(source_id(order_id, pot), 0), [])
        for order_id, pots in earned.items()
        for pot in pots
    }


def lots_of(transactions: Sequence[int]) -> dict[int, list[int]]:
    """Return the numbers of the lots that credits went to, on their way from merge to merge."""
    numbers: dict[int, list[int]] = {}
    if transactions:
        for transaction_id, lot_id in _rows(_EARNED_LOTS, transactions=transactions):
            numbers.setdefault(transaction_id, []).append(lot_id)
    return numbers


def returned_units(since: datetime, order_ids: Collection[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (order, line, units) of what came back before ``since``, as far as that was decided."""
    yield from _rows(_UNITS, since=since, orders=list(order_ids))


def _rows(statement: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        while page := cursor.fetchmany(_PAGE):
            yield from page

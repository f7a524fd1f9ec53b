"""Orders and events as challenges read them, in one query a kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from crm.domain.hidden_values import without
from crm.queries import sensitive
from rewards.domain.challenges.matching import EventFacts, OrderedLine, OrderFacts
from rewards.domain.challenges.periods import LATEST
from rewards.domain.exchange import Exchange
from tenants.scope import active_tenant_id

_ORDERS = """
    SELECT o.id, o.customer_id, o.placed_at, o.total_minor, o.channel, o.currency,
           COALESCE(back.total, 0)::bigint, c.state = 'active', l.positions, l.skus, l.categories,
           l.quantities, l.amounts, l.returned, l.refunded
    FROM crm_order o
    JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = o.customer_id
        AND c.state IN ('active', 'suspended')
    LEFT JOIN LATERAL (
        SELECT SUM(r.total_minor) AS total FROM crm_return r
        WHERE r.tenant_id = %(tenant)s AND r.order_id = o.id AND r.returned_at < %(before)s
    ) back ON true
    CROSS JOIN LATERAL (
        SELECT COALESCE(array_agg(ol.position ORDER BY ol.position), '{}') AS positions,
               COALESCE(array_agg(ol.sku ORDER BY ol.position), '{}') AS skus,
               COALESCE(array_agg(COALESCE(i.category, '') ORDER BY ol.position), '{}') AS categories,
               COALESCE(array_agg(ol.quantity ORDER BY ol.position), '{}') AS quantities,
               COALESCE(array_agg(ol.total_minor ORDER BY ol.position), '{}') AS amounts,
               COALESCE(array_agg(COALESCE(b.quantity, 0) ORDER BY ol.position), '{}') AS returned,
               COALESCE(array_agg(COALESCE(b.amount, 0) ORDER BY ol.position), '{}') AS refunded
        FROM crm_orderline ol
        LEFT JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = ol.item_id
        LEFT JOIN LATERAL (
            SELECT SUM(rl.quantity)::int AS quantity, SUM(rl.amount_minor)::bigint AS amount
            FROM crm_returnline rl
            JOIN crm_return r ON r.tenant_id = %(tenant)s AND r.id = rl.parent_id
            WHERE rl.tenant_id = %(tenant)s AND rl.order_line_id = ol.id AND r.returned_at < %(before)s
        ) b ON true
        WHERE ol.tenant_id = %(tenant)s AND ol.order_id = o.id AND ol.kind = 'product'
    ) l
    WHERE o.tenant_id = %(tenant)s AND o.id = ANY(%(ids)s)
"""
_EVENTS = """
    SELECT e.message_id, e.customer_id, e.name, e.occurred_at, e.properties::text
    FROM crm_event e
    JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = e.customer_id AND c.state = 'active'
    WHERE e.tenant_id = %(tenant)s AND e.message_id = ANY(%(message_ids)s)
      AND e.occurred_at BETWEEN %(first_at)s AND %(last_at)s AND e.name = ANY(%(names)s)
"""
_ORDERS_OF_RETURNS = """
    SELECT DISTINCT order_id FROM crm_return WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)
"""
_ORDER_PAGE = """
    SELECT id FROM crm_order
    WHERE tenant_id = %(tenant)s AND customer_id IS NOT NULL AND placed_at >= %(since)s AND id > %(after)s
    ORDER BY id LIMIT %(limit)s
"""
_EVENT_PAGE = """
    SELECT message_id, occurred_at FROM crm_event
    WHERE tenant_id = %(tenant)s AND occurred_at >= %(since)s AND name = ANY(%(names)s)
      AND (message_id, occurred_at) > (%(after)s, %(after_at)s)
    ORDER BY message_id, occurred_at LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class RecordedOrder:
    """An order as it was bought and as it is net of what was returned; and the positions of its lines.

    ``is_active`` says whether its customer is; for who is suspended nothing new counts.
    """

    bought: OrderFacts
    kept: OrderFacts
    positions: Sequence[int]
    is_active: bool


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def orders(order_ids: Collection[int], worth: Exchange, before: datetime = LATEST) -> list[RecordedOrder]:
    """Return the given orders of active and suspended customers, net of what was returned before a moment.

    Their money is exchanged.
    """
    found = _rows(_ORDERS, ids=list(order_ids), before=before) if order_ids else []
    return [_order(row, worth) for row in found]


def _order(row: tuple[Any, ...], worth: Exchange) -> RecordedOrder:
    order_id, customer_id, placed_at, total, channel, currency, refunded_total, is_active, *rest = row
    positions, *columns = rest
    lines, exchanged = list(zip(*columns, strict=True)), worth.exchanged(currency)

    def facts(total_minor: int, kept: list[tuple[str, str, int, int]]) -> OrderFacts:
        found = [
            OrderedLine(sku, category, units, worth.minor(amount, currency))
            for sku, category, units, amount in kept
        ]
        return OrderFacts(
            order_id, customer_id, placed_at, worth.minor(total_minor, currency), channel, found, currency,
            is_unpriced=exchanged is not None and exchanged.rate is None,
        )  # fmt: skip

    kept = [
        (sku, category, max(units - returned, 0), max(amount - refunded, 0))
        for sku, category, units, amount, returned, refunded in lines
    ]
    return RecordedOrder(
        facts(total, [line[:4] for line in lines]),
        facts(max(total - refunded_total, 0), kept),
        positions,
        is_active,
    )


def events(
    *, message_ids: Sequence[str], first_at: datetime | str, last_at: datetime | str, names: Collection[str]
) -> list[EventFacts]:
    """Return the events of active customers that have one of the names, less their sensitive properties."""
    rows = _rows(
        _EVENTS, message_ids=list(message_ids), first_at=first_at, last_at=last_at, names=sorted(names)
    )
    decode, hidden = msgspec.json.decode, sensitive.hidden()
    return [
        EventFacts(
            message_id, customer_id, name, occurred_at, without(decode(properties), hidden.of_event(name))
        )
        for message_id, customer_id, name, occurred_at, properties in rows
    ]


def orders_of_returns(return_ids: Sequence[int]) -> list[int]:
    """Return the ids of the orders that these returns give back."""
    return [order_id for (order_id,) in _rows(_ORDERS_OF_RETURNS, ids=list(return_ids))]


def order_page(*, since: datetime, after: int, limit: int) -> list[int]:
    """Return the ids of the next orders of known customers placed since a moment."""
    return [order_id for (order_id,) in _rows(_ORDER_PAGE, since=since, after=after, limit=limit)]


def event_page(
    *, since: datetime, names: Collection[str], after: tuple[str, datetime], limit: int
) -> list[tuple[str, datetime]]:
    """Return the (message id, moment) of the next events with one of the names."""
    found = _rows(
        _EVENT_PAGE, since=since, names=sorted(names), after=after[0], after_at=after[1], limit=limit
    )
    return [(message_id, occurred_at) for message_id, occurred_at in found]

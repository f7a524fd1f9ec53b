"""Orders and returns as the engine reads them: in time order, in batches, lines as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from rewards.domain.exchange import Exchange
from rewards.domain.facts import Due, Happening, Line, order_placed
from rewards.domain.rules import Trigger
from rewards.models import DecisionEvent
from tenants.scope import active_tenant_id

ORDER, RETURN = 0, 1

# Each branch walks its own index (tenant, time, id); only the two short heads are merged.
_PAGE = """
    (SELECT 0 AS kind, o.id, o.customer_id, o.placed_at AS happened_at, o.total_minor, o.channel,
            o.id AS order_id, o.currency
     FROM crm_order o
     WHERE o.tenant_id = %(tenant)s AND o.customer_id IS NOT NULL
       AND (o.placed_at, o.id) > (%(after)s, %(order_id)s)
     ORDER BY o.placed_at, o.id LIMIT %(limit)s)
    UNION ALL
    (SELECT 1, r.id, o.customer_id, r.returned_at, r.total_minor, '', r.order_id, o.currency
     FROM crm_return r
     JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = r.order_id AND o.customer_id IS NOT NULL
     WHERE r.tenant_id = %(tenant)s AND (r.returned_at, r.id) > (%(after)s, %(return_id)s)
     ORDER BY r.returned_at, r.id LIMIT %(limit)s)
    ORDER BY happened_at, kind, id LIMIT %(limit)s
"""
# LIMIT 1 keeps it one index look-up a document. Right after a bulk load the planner takes the decisions for
# a handful of rows, and anything it may turn into a join or a filter becomes quadratic.
_DECIDED = """
    SELECT t.id FROM unnest(%(ids)s::bigint[]) AS t(id)
    CROSS JOIN LATERAL (
        SELECT 1 FROM rewards_decisionrecord d
        WHERE d.tenant_id = %(tenant)s AND d.event_type = %(event)s AND d.event_id = t.id LIMIT 1
    ) decided
"""
_BY_IDS = """
    SELECT {kind}, t.id, o.customer_id, t.{moment}, t.total_minor, {channel}, o.id, o.currency, false
    FROM {table} t JOIN crm_order o ON o.tenant_id = t.tenant_id AND o.id = t.{order}
    WHERE t.tenant_id = %(tenant)s AND t.id = ANY(%(ids)s) AND o.customer_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM rewards_decisionrecord d
                      WHERE d.tenant_id = %(tenant)s AND d.event_type = %(event)s AND d.event_id = t.id)
    ORDER BY t.{moment}, t.id
"""
_ORDERS = _BY_IDS.format(kind=ORDER, moment="placed_at", channel="o.channel", table="crm_order", order="id")
_RETURNS = _BY_IDS.format(
    kind=RETURN, moment="returned_at", channel="''", table="crm_return", order="order_id"
)
_LINES = """
    SELECT order_id, array_agg(position), array_agg(category), array_agg(total_minor), array_agg(quantity)
    FROM (
        SELECT l.order_id, l.position, COALESCE(i.category, '') AS category, l.total_minor, l.quantity
        FROM crm_orderline l LEFT JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = l.item_id
        WHERE l.tenant_id = %(tenant)s AND l.order_id = ANY(%(ids)s) AND l.kind = 'product'
        ORDER BY l.order_id, l.position
    ) lines GROUP BY order_id
"""
_ITEM_LINES = """
    SELECT l.order_id, l.position, COALESCE(i.category, ''), l.total_minor, l.quantity,
           COALESCE(i.external_id, l.sku), COALESCE(i.subcategory, ''), COALESCE(i.brand, ''),
           COALESCE(i.attributes, '{}')
    FROM crm_orderline l LEFT JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = l.item_id
    WHERE l.tenant_id = %(tenant)s AND l.order_id = ANY(%(ids)s) AND l.kind = 'product'
    ORDER BY l.order_id, l.position
"""
_RETURNED = """
    SELECT r.id, r.order_id, ol.position, ol.quantity, l.quantity, d.id IS NOT NULL
    FROM crm_return r
    JOIN crm_returnline l ON l.tenant_id = %(tenant)s AND l.parent_id = r.id
    JOIN crm_orderline ol ON ol.tenant_id = %(tenant)s AND ol.id = l.order_line_id
    LEFT JOIN rewards_decisionrecord d
        ON d.tenant_id = %(tenant)s AND d.event_type = 'return' AND d.event_id = r.id
    WHERE r.tenant_id = %(tenant)s AND r.order_id = ANY(%(ids)s)
"""
_RETURN_FACTS = """
    SELECT r.id, o.customer_id, r.returned_at, r.external_id, o.external_id, r.total_minor,
           COALESCE((SELECT SUM(l.quantity) FROM crm_returnline l
                     WHERE l.tenant_id = %(tenant)s AND l.parent_id = r.id), 0)::bigint,
           NOT EXISTS (
               SELECT FROM crm_orderline ol
               WHERE ol.tenant_id = %(tenant)s AND ol.order_id = o.id AND ol.kind = 'product'
                 AND ol.quantity > COALESCE((
                     SELECT SUM(l.quantity) FROM crm_returnline l
                     JOIN crm_return b ON b.tenant_id = %(tenant)s AND b.id = l.parent_id
                     WHERE l.tenant_id = %(tenant)s AND l.order_line_id = ol.id
                       AND (b.returned_at, b.id) <= (r.returned_at, r.id)), 0))
    FROM crm_return r
    JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = r.order_id AND o.customer_id IS NOT NULL
    WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(ids)s)
    ORDER BY r.returned_at, r.id
"""


class Document(NamedTuple):
    """Header of an order or return; ``order_id`` of a return is the order it gives back, in its currency."""

    kind: int
    id: int
    customer_id: int
    happened_at: datetime
    total_minor: int
    channel: str
    order_id: int
    currency: str
    is_decided: bool


class ReturnedLine(NamedTuple):
    """Units of an order line that one return gives back."""

    return_id: int
    order_id: int
    position: int
    bought: int
    returned: int
    is_decided: bool


class Place(NamedTuple):
    """Where a page ended: everything up to here has been read."""

    after: datetime
    order_id: int
    return_id: int


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def page(place: Place, limit: int) -> list[Document]:
    """Return the next documents of known customers in time order; at one instant orders come first."""
    rows = _rows(_PAGE, **place._asdict(), limit=limit)
    decided = {
        (kind, event_id)
        for kind, event in ((ORDER, DecisionEvent.ORDER), (RETURN, DecisionEvent.RETURN))
        for (event_id,) in _rows(_DECIDED, event=event.value, ids=[row[1] for row in rows if row[0] == kind])
    }
    return [Document._make((*row, (row[0], row[1]) in decided)) for row in rows]


def place_after(document: Document) -> Place:
    """Return the place right behind ``document``."""
    if document.kind == ORDER:
        return Place(document.happened_at, document.id, 0)
    return Place(document.happened_at, 2**63 - 1, document.id)


def undecided_orders(order_ids: Sequence[int]) -> list[Document]:
    """Return the given orders of known customers that no decision was made for, in time order."""
    return [Document(*row) for row in _rows(_ORDERS, ids=list(order_ids), event=DecisionEvent.ORDER.value)]


def undecided_returns(return_ids: Sequence[int]) -> list[Document]:
    """Return the given returns that no decision was made for, in time order."""
    return [Document(*row) for row in _rows(_RETURNS, ids=list(return_ids), event=DecisionEvent.RETURN.value)]


def due_returns(return_ids: Sequence[int]) -> list[Due]:
    """Return returns of known customers as rules are asked about them: without lines and money to earn on.

    Properties: ``order_id`` and ``return_id`` as the client names them, ``amount_minor`` refunded, ``units``
    that came back, and ``is_whole`` once nothing of the order is left.
    """
    return [
        Due(
            DecisionEvent.RETURNED.value,
            number,
            customer_id,
            Happening(
                Trigger.RETURN,
                returned_at,
                properties={
                    "order_id": order,
                    "return_id": name,
                    "amount_minor": amount,
                    "units": units,
                    "is_whole": is_whole,
                },
            ),
            source=name,
        )
        for number, customer_id, returned_at, name, order, amount, units, is_whole in _rows(
            _RETURN_FACTS, ids=list(return_ids)
        )
    ]


def lines_by_order(order_ids: Iterable[int], *, with_items: bool = False) -> dict[int, list[Line]]:
    """Return the product lines of each order, by position; brands and the like only ``with_items``."""
    ids = list(order_ids)
    if not with_items:
        return {
            order_id: list(map(Line, positions, categories, amounts, quantities))
            for order_id, positions, categories, amounts, quantities in _rows(_LINES, ids=ids)
        }
    lines: dict[int, list[Line]] = {}
    for order_id, *values in _rows(_ITEM_LINES, ids=ids):
        lines.setdefault(order_id, []).append(Line(*values))
    return lines


def due_order(document: Document, lines: Sequence[Line], exchange: Exchange) -> Due:
    """Return an order as the engine is asked about it, its money exchanged."""
    event = order_placed(
        document.happened_at,
        document.total_minor,
        document.channel,
        lines,
        currency=document.currency,
        exchange=exchange,
    )
    return Due(DecisionEvent.ORDER.value, document.id, document.customer_id, event, document.id)


def returned_lines(order_ids: Iterable[int]) -> list[ReturnedLine]:
    """Return the lines of every return of the given orders, decided or not."""
    return [ReturnedLine(*row) for row in _rows(_RETURNED, ids=list(order_ids))]


def decided_ids(due: Sequence[Due]) -> set[tuple[str, int]]:
    """Return (event type, id) of the events among ``due`` that have a decision."""
    by_type: dict[str, list[int]] = {}
    for item in due:
        by_type.setdefault(item.event_type, []).append(item.event_id)
    return {
        (event_type, event_id)
        for event_type, ids in by_type.items()
        for (event_id,) in _rows(_DECIDED, event=event_type, ids=ids)
    }


class Backlog(NamedTuple):
    """How many documents wait for a decision, and the moment of the first and last document."""

    waiting: int
    first_at: datetime | None
    last_at: datetime | None


_BACKLOG = """
    SELECT COUNT(*), MIN(moment), MAX(moment) FROM (
        SELECT o.placed_at AS moment FROM crm_order o
        WHERE o.tenant_id = %(tenant)s AND o.customer_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM rewards_decisionrecord d
            WHERE d.tenant_id = %(tenant)s AND d.event_type = 'order' AND d.event_id = o.id)
        UNION ALL
        SELECT r.returned_at FROM crm_return r
        JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = r.order_id AND o.customer_id IS NOT NULL
        WHERE r.tenant_id = %(tenant)s AND NOT EXISTS (
            SELECT 1 FROM rewards_decisionrecord d
            WHERE d.tenant_id = %(tenant)s AND d.event_type = 'return' AND d.event_id = r.id)
    ) undecided
"""


def backlog() -> Backlog:
    """Return what is not decided yet."""
    return Backlog(*_rows(_BACKLOG)[0])


def orders_before(moment: datetime) -> dict[int, int]:
    """Return the number of orders each customer placed before ``moment``."""
    statement = """SELECT customer_id, COUNT(*) FROM crm_order
        WHERE tenant_id = %(tenant)s AND customer_id IS NOT NULL AND placed_at < %(moment)s GROUP BY 1"""
    return dict(_rows(statement, moment=moment))

"""Past events, a day at a time, as a rehearsal plays them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crm.domain.hidden_values import Hidden, without
from rewards.domain.engine import Engine
from rewards.domain.exchange import Exchange
from rewards.domain.facts import Due, Happening, Line, order_placed
from rewards.domain.past import (
    EVENT,
    LOCKED,
    ORDER,
    RETURN,
    Counted,
    Late,
    Locked,
    Played,
    Recounted,
    Returned,
    ReturnedUnits,
)
from rewards.domain.rules import Trigger
from rewards.domain.sources import event_number
from rewards.queries import customer_states, documents
from rewards.queries.rehearsal_rows import rows
from tenants.domain.actors import SYSTEM

_ORDERS = """
    SELECT o.placed_at, o.id, o.customer_id, o.total_minor, o.channel, o.currency, l.positions, l.categories,
           l.amounts, l.quantities{columns}
    FROM crm_order o
    LEFT JOIN LATERAL (
        SELECT array_agg(l.position ORDER BY l.position) AS positions,
               array_agg(COALESCE(i.category, '') ORDER BY l.position) AS categories,
               array_agg(l.total_minor ORDER BY l.position) AS amounts,
               array_agg(l.quantity ORDER BY l.position) AS quantities{aggregates}
        FROM crm_orderline l LEFT JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = l.item_id
        WHERE l.tenant_id = %(tenant)s AND l.order_id = o.id AND l.kind = 'product'
    ) l ON true
    WHERE o.tenant_id = %(tenant)s AND o.customer_id IS NOT NULL
      AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
    ORDER BY o.placed_at, o.id
"""
_ITEM_COLUMNS = ", l.items, l.subcategories, l.brands, l.attributes"
_ITEM_AGGREGATES = """,
               array_agg(COALESCE(i.external_id, l.sku) ORDER BY l.position) AS items,
               array_agg(COALESCE(i.subcategory, '') ORDER BY l.position) AS subcategories,
               array_agg(COALESCE(i.brand, '') ORDER BY l.position) AS brands,
               array_agg(COALESCE(i.attributes, '{}')::text ORDER BY l.position) AS attributes"""
_SKU_COLUMN = ", l.skus"
_SKU_AGGREGATE = ", array_agg(l.sku ORDER BY l.position) AS skus"
_RETURNS = """
    SELECT r.returned_at, r.id, o.customer_id, r.order_id, o.placed_at, r.total_minor, o.currency,
           o.total_minor > earlier.total AND o.total_minor <= earlier.total + r.total_minor,
           array_agg(ol.position), array_agg(ol.quantity), array_agg(l.quantity), array_agg(l.amount_minor)
    FROM crm_return r
    JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = r.order_id AND o.customer_id IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT COALESCE(SUM(b.total_minor), 0) AS total FROM crm_return b
        WHERE b.tenant_id = %(tenant)s AND b.order_id = r.order_id
          AND (b.returned_at, b.id) < (r.returned_at, r.id)
    ) earlier
    LEFT JOIN crm_returnline l ON l.tenant_id = %(tenant)s AND l.parent_id = r.id
    LEFT JOIN crm_orderline ol ON ol.tenant_id = %(tenant)s AND ol.id = l.order_line_id
    WHERE r.tenant_id = %(tenant)s AND r.returned_at >= %(since)s AND r.returned_at < %(until)s
    GROUP BY r.returned_at, r.id, o.customer_id, r.order_id, o.placed_at, o.total_minor, r.total_minor,
             o.currency, earlier.total
    ORDER BY r.returned_at, r.id
"""
# Those by rules belong to the revision that was live.
_LOCKS = """
    SELECT changed_at, id, customer_id, to_key, locked_until FROM rewards_tierchange
    WHERE tenant_id = %(tenant)s AND changed_at >= %(since)s AND changed_at < %(until)s
      AND move IN ('locked', 'unlocked') AND actor_label <> %(program)s
    ORDER BY changed_at, id
"""
_EVENTS = """
    SELECT e.occurred_at, e.message_id, e.customer_id, e.name, e.properties::text
    FROM crm_event e
    WHERE e.tenant_id = %(tenant)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
      AND e.name = ANY(%(names)s)
    ORDER BY e.occurred_at, e.message_id
"""


def orders(
    since: datetime, until: datetime, worth: Exchange, *, with_items: bool, with_skus: bool
) -> list[Played]:
    """Return the orders of known customers with their lines, as events to decide, their money exchanged."""
    columns, aggregates = (_ITEM_COLUMNS, _ITEM_AGGREGATES) if with_items else ("", "")
    if with_skus:
        columns, aggregates = columns + _SKU_COLUMN, aggregates + _SKU_AGGREGATE
    statement = _ORDERS.format(columns=columns, aggregates=aggregates)
    played = []
    for at, order_id, customer_id, total, channel, currency, *lines in rows(
        statement, since=since, until=until
    ):
        skus = lines.pop() if with_skus else None
        if lines[0] is None:
            found: list[Line] = []
        else:
            if with_items:
                lines[-1] = [msgspec.json.decode(text) for text in lines[-1]]
            found = list(map(Line, *lines))
            if skus is not None:
                found = [line._replace(sku=sku) for line, sku in zip(found, skus, strict=True)]
        event = order_placed(at, total, channel, found, currency=currency, exchange=worth)
        due = Due("order", order_id, customer_id, event, order_id)
        played.append(Played(at, ORDER, order_id, due))
    return played


def returns(since: datetime, until: datetime, worth: Exchange) -> list[Returned]:
    """Return the returns of orders of known customers with the units they give back."""
    found = []
    for at, number, customer_id, order_id, placed_at, total, currency, is_whole, *columns in rows(
        _RETURNS, since=since, until=until
    ):
        units = [
            ReturnedUnits(position, bought, returned, worth.minor(amount, currency))
            for position, bought, returned, amount in zip(*columns, strict=True)
            if position is not None
        ]
        minor = worth.minor(total, currency)
        found.append(Returned(at, RETURN, number, customer_id, order_id, placed_at, minor, is_whole, units))
    return found


def late_orders(returned: Sequence[Returned], began: datetime, engine: Engine) -> list[Late]:
    """Return the orders of before the days that nobody decided, with the members as they were then."""
    first = {item.order_id: item for item in reversed(returned) if item.placed_at < began}
    found = documents.undecided_orders(list(first)) if first else []
    lines = documents.lines_by_order([each.id for each in found], with_items=engine.needs.items)
    worth = engine.revision.exchange
    due = [documents.due_order(each, lines.get(each.id, ()), worth) for each in found]
    return [
        Late(first[item.event_id].at, RETURN, first[item.event_id].id, item, state)
        for item, state in zip(due, customer_states.before(engine, due), strict=True)
    ]


def asked_returns(returned: Sequence[Returned], engine: Engine) -> list[Played]:
    """Return the returns as events to decide, where rules answer to them; each after it was taken back."""
    if not returned or not engine.answers(Trigger.RETURN):
        return []
    due = documents.due_returns([item.id for item in returned])
    return [Played(item.event.at, RETURN, item.event_id, item) for item in due]


def recounted(returned: Sequence[Returned]) -> list[Recounted]:
    """Return the returns as challenges see them; each after rules were asked about it."""
    return [
        Recounted(each.at, RETURN, each.id, each.order_id, each.total_minor, each.units) for each in returned
    ]


def events(
    since: datetime, until: datetime, *, answered: Collection[str], counted: Collection[str],
    read: Collection[str], hidden: Hidden,
) -> list[Played | Counted]:  # fmt: skip
    """Return the events that rules answer to by their name, and those that tiers or challenges only count.

    Of the latter challenges ``read`` some; what is sensitive of any is ``hidden``.
    """
    names = {*answered, *counted, *read}
    if not names:
        return []
    found: list[Played | Counted] = []
    for at, message_id, customer_id, name, text in rows(
        _EVENTS, since=since, until=until, names=sorted(names)
    ):
        number = event_number(message_id)
        if name in answered:
            event = Happening(Trigger.EVENT, at, name, properties=_properties(text, hidden.of_event(name)))
            found.append(
                Played(at, EVENT, number, Due("event", number, customer_id, event, source=message_id))
            )
        else:
            properties = _properties(text, hidden.of_event(name)) if name in read else {}
            found.append(Counted(at, EVENT, number, customer_id, name, message_id, properties))
    return found


def _properties(text: str, secret: frozenset[str]) -> dict[str, Any]:
    properties: dict[str, Any] = msgspec.json.decode(text)
    return without(properties, secret) if secret else properties


def locks(since: datetime, until: datetime) -> list[Locked]:
    """Return the tiers that staff locked and unlocked."""
    return [
        Locked(at, LOCKED, number, customer_id, key, locked_until)
        for at, number, customer_id, key, locked_until in rows(
            _LOCKS, since=since, until=until, program=SYSTEM.label
        )
    ]

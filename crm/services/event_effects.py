"""What well-known events do to customers, orders, returns and items, after they were stored.

Each effect is idempotent, so a message that is delivered twice changes nothing twice. What cannot be applied
is kept beside the rejects with the reason and applied when it is sent again, by staff or by night (a return
may come before its order); the event itself stays accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db import connection, transaction

from crm.domain.event_catalogue import FEEDBACK_SUBMITTED, IDENTIFIED, ORDER_COMPLETED, ORDER_RETURNED
from crm.domain.events import Invalid
from crm.domain.feedback import assumed_kind
from crm.domain.order_events import EventNotUsable, order_of, positions_of, return_of, text_of
from crm.models import Customer, EventReject, Item, LineKind, Order, ReturnLine
from crm.queries.survivors import survivor_of
from crm.services import event_rejects, feedback, identify_traits, orders, returns
from tenants.domain.actors import SYSTEM
from tenants.errors import DomainError, InvalidInput
from tenants.scope import active_tenant, active_tenant_id

EFFECT_SOURCE: Final = "effect"
FEEDBACK_SOURCE: Final = "event"
_ITEM_EVENTS: Final = frozenset({"product_viewed", "product_added", "product_clicked", "review_posted"})
_OF_BATCH = """
SELECT message_id, occurred_at, name, customer_id, properties::text FROM crm_event
WHERE tenant_id = %(tenant)s AND message_id = ANY(%(message_ids)s)
  AND occurred_at BETWEEN %(first_at)s AND %(last_at)s AND name = ANY(%(names)s)
ORDER BY occurred_at, message_id
"""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event with an effect; ``customer`` is who is left of merges, None when erased."""

    message_id: str
    occurred_at: datetime
    name: str
    customer: Customer | None
    properties: dict[str, Any]


@transaction.atomic
def apply(*, message_ids: Sequence[str], first_at: str, last_at: str, at: datetime) -> None:
    """Apply the effects of these events, the earliest first."""
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "message_ids": list(message_ids),
        "first_at": first_at,
        "last_at": last_at,
        "names": [*_EFFECT_BY_NAME, *_ITEM_EVENTS],
    }
    with connection.cursor() as cursor:
        cursor.execute(_OF_BATCH, params)
        rows = cursor.fetchall()
    events = [(*row[:4], msgspec.json.decode(row[4])) for row in rows]
    _ensure_items([properties for _, _, name, _, properties in events if name in _ITEM_EVENTS], at)
    for message_id, occurred_at, name, customer_id, properties in events:
        if name in _EFFECT_BY_NAME:
            event = StoredEvent(message_id, occurred_at, name, survivor_of(customer_id), properties)
            _apply_or_keep(event, at)


def _apply_or_keep(event: StoredEvent, at: datetime) -> None:
    refused = attempt(event, at=at)
    if refused is None or _is_kept(event):
        return
    payload = {
        "message_id": event.message_id,
        "name": event.name,
        "occurred_at": event.occurred_at.isoformat(),
        "external_id": event.customer.external_id if event.customer else None,
        "customer": str(event.customer.public_id) if event.customer else None,
        "properties": event.properties,
    }
    event_rejects.keep(
        [Invalid(refused[0], refused[1], event.message_id, payload, EFFECT_SOURCE)], at=at, is_counted=False
    )


def _is_kept(event: StoredEvent) -> bool:
    """Whether the same was kept when the message was delivered before."""
    kept = EventReject.objects.filter(source=EFFECT_SOURCE, message_id=event.message_id, name=event.name)
    return bool(kept.filter(replayed_at=None).exists())


def attempt(event: StoredEvent, *, at: datetime) -> tuple[str, str] | None:
    """Apply one event's effect; return (reason, detail) when it cannot be, leaving nothing behind."""
    if event.customer is None:
        return None
    try:
        with transaction.atomic():
            _EFFECT_BY_NAME[event.name](event, at)
    except EventNotUsable as error:
        return "not_usable", str(error)
    except InvalidInput as error:
        wrong = "; ".join(f"{each.pointer} {each.detail}" for each in error.errors)
        return error.code, wrong or error.detail
    except DomainError as error:
        return error.code, error.detail
    return None


def _complete_order(event: StoredEvent, at: datetime) -> None:
    draft = order_of(event.properties, currency=active_tenant().currency)
    lines = [
        orders.NewLine(
            sku=line.sku,
            quantity=line.quantity,
            unit_price_minor=line.unit_price_minor,
            store_discount_minor=line.store_discount_minor,
            coupon_discount_minor=line.coupon_discount_minor,
            kind=LineKind.CHARGE if line.is_charge else LineKind.PRODUCT,
            name=line.name,
        )
        for line in draft.lines
    ]
    if Order.objects.filter(external_id=draft.external_id).exists():
        return
    orders.record(
        external_id=draft.external_id,
        customer=event.customer,
        placed_at=event.occurred_at,
        lines=lines,
        currency=draft.currency,
        channel=draft.channel,
        by=SYSTEM,
        at=at,
    )


def _return_order(event: StoredEvent, at: datetime) -> None:
    draft = return_of(event.properties, message_id=event.message_id)
    order = Order.objects.filter(external_id=draft.order_external_id).first()
    if order is None:
        raise EventNotUsable(f"there is no order {draft.order_external_id} yet")
    if order.returns.filter(external_id=draft.external_id).exists():
        return
    products = order.lines.filter(kind=LineKind.PRODUCT).order_by("position")
    lines = list(products.values_list("position", "sku", "quantity"))
    before: dict[int, int] = {}
    earlier = ReturnLine.objects.filter(order_line__order=order)
    for position, quantity in earlier.values_list("order_line__position", "quantity"):
        before[position] = before.get(position, 0) + quantity
    returns.record(
        external_id=draft.external_id,
        order=order,
        quantity_by_position=positions_of(draft, lines, before),
        returned_at=event.occurred_at,
        by=SYSTEM,
        at=at,
    )


def _submit_feedback(event: StoredEvent, at: datetime) -> None:
    given = event.properties
    sku, order_id = text_of(given, "sku", "product_id"), text_of(given, "order_id")
    rating = given.get("rating", given.get("score"))
    entry = feedback.NewFeedback(
        kind=text_of(given, "kind") or assumed_kind(has_item=bool(sku), has_rating=rating is not None),
        source_id=event.message_id,
        occurred_at=event.occurred_at,
        customer=event.customer,
        item=Item.objects.filter(external_id=sku).first() if sku else None,
        order=Order.objects.filter(external_id=order_id).first() if order_id else None,
        rating=rating if isinstance(rating, int) and not isinstance(rating, bool) else None,
        text=str(given.get("text") or given.get("comment") or ""),
    )
    feedback.record(entries=[entry], source=FEEDBACK_SOURCE, by=SYSTEM, at=at)


def _identify(event: StoredEvent, at: datetime) -> None:
    if event.customer is not None:
        identify_traits.apply(
            customer=event.customer,
            traits=event.properties,
            message_id=event.message_id,
            occurred_at=event.occurred_at,
            at=at,
        )


def _ensure_items(seen: list[dict[str, Any]], at: datetime) -> None:
    """Make the items that events name and nobody has told us of; known ones are not changed."""
    name_by_sku: dict[str, dict[str, Any]] = {}
    for properties in seen:
        if sku := text_of(properties, "sku", "product_id"):
            name_by_sku.setdefault(sku, properties)
    Item.objects.bulk_create(
        [
            Item(
                external_id=sku,
                name=text_of(properties, "name") or sku,
                category=text_of(properties, "category")[:120],
                brand=text_of(properties, "brand")[:120],
                created_at=at,
                updated_at=at,
            )
            for sku, properties in sorted(name_by_sku.items())
        ],
        ignore_conflicts=True,
    )


_EFFECT_BY_NAME: Final[dict[str, Callable[[StoredEvent, datetime], None]]] = {
    ORDER_COMPLETED: _complete_order,
    ORDER_RETURNED: _return_order,
    FEEDBACK_SUBMITTED: _submit_feedback,
    IDENTIFIED: _identify,
}

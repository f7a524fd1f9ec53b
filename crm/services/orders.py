"""Orders that come one at a time, by the API. Files go through `crm.services.imports`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from crm.models import Customer, Item, LineKind, Order, OrderLine
from crm.services import order_summaries
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant
from tenants.services import audit, outbox

# Above this an amount is a mistake, and a thousand lines of it still add up in a bigint.
LARGEST_MINOR = 10**12
CLOCK_SKEW = timedelta(days=1)


class OrderAlreadyRecorded(Conflict):
    """An order with this external id exists; orders are documents and do not change."""

    code = "order_already_recorded"
    title = "An order with this external id exists"


@dataclass(frozen=True, slots=True)
class NewLine:
    """One line; the unit price is the shelf price, the discounts are for the whole line."""

    sku: str
    quantity: int
    unit_price_minor: int
    store_discount_minor: int = 0
    coupon_discount_minor: int = 0
    kind: str = LineKind.PRODUCT
    name: str = ""

    @property
    def gross_minor(self) -> int:
        """Shelf price of the line, in minor units."""
        return self.quantity * self.unit_price_minor

    @property
    def total_minor(self) -> int:
        """What was paid for the line, in minor units."""
        return self.gross_minor - self.store_discount_minor - self.coupon_discount_minor


@transaction.atomic
def record(
    *,
    external_id: str,
    customer: Customer | None,
    placed_at: datetime,
    lines: Sequence[NewLine],
    by: Actor,
    at: datetime,
    currency: str | None = None,
    channel: str = "",
) -> Order:
    """Record an order with its lines; publishes ``crm.orders_recorded``.

    Raises ``OrderAlreadyRecorded``, and ``InvalidInput`` naming each line that does not add up.
    """
    by.require(Permission.ORDERS_EDIT)
    _check(lines)
    if placed_at > at + CLOCK_SKEW:
        raise InvalidInput(errors=[FieldError("/placed_at", "in_the_future", "At most one day from now.")])
    order: Order = Order(
        external_id=external_id,
        customer=customer,
        placed_at=placed_at,
        currency=currency or active_tenant().currency,
        gross_minor=sum(line.gross_minor for line in lines),
        store_discount_minor=sum(line.store_discount_minor for line in lines),
        coupon_discount_minor=sum(line.coupon_discount_minor for line in lines),
        total_minor=sum(line.total_minor for line in lines),
        channel=channel,
    )
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError as error:
        raise OrderAlreadyRecorded(external_id=external_id) from error
    _add_lines(order, lines, at)
    if customer is not None:
        order_summaries.refresh([customer.pk])
    audit.record(action="order.recorded", target=order, by=by, at=at)
    outbox.publish(topic="crm.orders_recorded", payload={"order_ids": [order.pk]}, at=at)
    return order


def _check(lines: Sequence[NewLine]) -> None:
    errors = [] if lines else [FieldError("/lines", "required", "An order has at least one line.")]
    for index, line in enumerate(lines):
        pointer = f"/lines/{index}"
        if line.quantity <= 0:
            errors.append(
                FieldError(f"{pointer}/quantity", "not_positive", "The quantity must be above zero.")
            )
        elif abs(line.gross_minor) > LARGEST_MINOR:
            errors.append(FieldError(pointer, "too_large", f"At most {LARGEST_MINOR} minor units a line."))
        elif line.kind == LineKind.PRODUCT and line.unit_price_minor < 0:
            errors.append(FieldError(f"{pointer}/unit_price_minor", "negative", "A price is not negative."))
        elif min(line.store_discount_minor, line.coupon_discount_minor) < 0:
            errors.append(FieldError(pointer, "negative_discount", "A discount is not negative."))
        elif line.kind == LineKind.PRODUCT and line.total_minor < 0:
            errors.append(FieldError(pointer, "discount_above_price", "The discounts exceed the price."))
    if errors:
        raise InvalidInput(errors=errors)


def _add_lines(order: Order, lines: Sequence[NewLine], at: datetime) -> None:
    item_by_sku = _items({line.sku: line for line in lines if line.kind == LineKind.PRODUCT}, at)
    OrderLine.objects.bulk_create(
        [
            OrderLine(
                order=order,
                position=position,
                item=item_by_sku.get(line.sku) if line.kind == LineKind.PRODUCT else None,
                sku=line.sku,
                kind=line.kind,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                gross_minor=line.gross_minor,
                store_discount_minor=line.store_discount_minor,
                coupon_discount_minor=line.coupon_discount_minor,
                total_minor=line.total_minor,
            )
            for position, line in enumerate(lines, start=1)
        ]
    )


def _items(line_by_sku: dict[str, NewLine], at: datetime) -> dict[str, Item]:
    """Return the items of the lines, the unknown ones created."""
    Item.objects.bulk_create(
        [
            Item(
                external_id=sku,
                name=(line.name or sku)[:300],
                price_minor=line.unit_price_minor,
                created_at=at,
                updated_at=at,
            )
            for sku, line in sorted(line_by_sku.items())
        ],
        ignore_conflicts=True,
    )
    return {item.external_id: item for item in Item.objects.filter(external_id__in=list(line_by_sku))}

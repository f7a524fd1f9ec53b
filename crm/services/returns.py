from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Sum

from crm.locks import lock_order
from crm.models import Order, OrderLine, Return, ReturnLine
from crm.services import order_summaries
from crm.services.orders import CLOCK_SKEW
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.services import audit, outbox


class ReturnAlreadyRecorded(Conflict):
    """A return with this external id exists."""

    code = "return_already_recorded"
    title = "A return with this external id exists"


@transaction.atomic
def record(
    *,
    external_id: str,
    order: Order,
    quantity_by_position: Mapping[int, int],
    returned_at: datetime,
    by: Actor,
    at: datetime,
) -> Return:
    """Record that lines of ``order`` came back, refunding their share of what was paid.

    Publishes ``crm.returns_recorded``. Raises ``ReturnAlreadyRecorded``, and ``InvalidInput`` for lines that
    the order lacks, for quantities above what has not come back yet and for a moment before the order.
    """
    by.require(Permission.ORDERS_EDIT)
    order = lock_order(order.pk)
    if Return.objects.filter(external_id=external_id).exists():
        raise ReturnAlreadyRecorded(external_id=external_id)
    _check_moment(order, returned_at, at)
    rows = _lines(order, quantity_by_position)
    record: Return = Return(
        external_id=external_id,
        order=order,
        customer_id=order.customer_id,
        returned_at=returned_at,
        total_minor=sum(row.amount_minor for row in rows),
    )
    try:
        with transaction.atomic():
            record.save(force_insert=True)
    except IntegrityError as error:
        raise ReturnAlreadyRecorded(external_id=external_id) from error
    for row in rows:
        row.parent = record
    ReturnLine.objects.bulk_create(rows)
    if order.customer_id is not None:
        order_summaries.refresh([order.customer_id])
    audit.record(action="return.recorded", target=record, by=by, at=at)
    outbox.publish(topic="crm.returns_recorded", payload={"return_ids": [record.pk]}, at=at)
    return record


def _check_moment(order: Order, returned_at: datetime, at: datetime) -> None:
    if returned_at < order.placed_at:
        error = FieldError("/returned_at", "before_order", "Goods come back after they were bought.")
    elif returned_at > at + CLOCK_SKEW:
        error = FieldError("/returned_at", "in_the_future", "At most one day from now.")
    else:
        return
    raise InvalidInput(errors=[error])


def _lines(order: Order, quantity_by_position: Mapping[int, int]) -> list[ReturnLine]:
    line_by_position = {line.position: line for line in order.lines.all()}
    earlier: Counter[int] = Counter()
    refunded: Counter[int] = Counter()
    given_back = ReturnLine.objects.filter(order_line__in=[line.pk for line in line_by_position.values()])
    for line_id, quantity, amount in given_back.values_list("order_line_id").annotate(
        Sum("quantity"), Sum("amount_minor")
    ):
        earlier[line_id], refunded[line_id] = quantity, amount
    errors: list[FieldError] = []
    rows: list[ReturnLine] = []
    for index, (position, quantity) in enumerate(quantity_by_position.items()):
        line = line_by_position.get(position)
        pointer = f"/lines/{index}"
        if line is None:
            errors.append(
                FieldError(f"{pointer}/position", "unknown_line", f"The order has no line {position}.")
            )
        elif not 0 < quantity <= line.quantity - earlier[line.pk]:
            left = line.quantity - earlier[line.pk]
            errors.append(
                FieldError(f"{pointer}/quantity", "quantity_exceeded", f"At most {left} can come back.")
            )
        else:
            amount = _refund(line, quantity, earlier[line.pk], refunded[line.pk])
            rows.append(ReturnLine(order_line=line, quantity=quantity, amount_minor=amount))
    if errors or not rows:
        raise InvalidInput(errors=errors or [FieldError("/lines", "required", "Name at least one line.")])
    return rows


def _refund(line: OrderLine, quantity: int, earlier: int, refunded: int) -> int:
    """The share of what was paid, rounded so that all refunds of the line together are just that."""
    share: int = line.total_minor * (earlier + quantity) // line.quantity - refunded
    return max(0, share)

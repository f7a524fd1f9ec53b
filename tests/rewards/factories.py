from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from crm.models import Customer, Item, Order, OrderLine, Return, ReturnLine
from rewards.models import Account, Lot, TransactionKind, Wallet
from rewards.services import ledger
from rewards.services.ledger import Posting, Source
from tenants.domain.actors import SYSTEM
from tenants.scope import active_tenant

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
_number = itertools.count(1)


def make_customer(**fields: Any) -> Customer:
    values = {"external_id": f"c-{next(_number)}", "created_at": NOW, "updated_at": NOW, **fields}
    return Customer.objects.create(**values)


def make_wallet(key: str = "points") -> Wallet:
    return Wallet.objects.create(key=key, name=key.title(), created_at=NOW)


def make_item(category: str = "GROCERY") -> Item:
    name = f"item-{next(_number)}"
    return Item.objects.create(external_id=name, name=name, category=category, created_at=NOW, updated_at=NOW)


def make_order(
    customer: Customer | None, lines: list[tuple[str, int, int]], placed_at: datetime = NOW
) -> Order:
    """Lines are (category, quantity, total in minor units)."""
    total = sum(line[2] for line in lines)
    order = Order.objects.create(
        external_id=f"o-{next(_number)}",
        customer=customer,
        placed_at=placed_at,
        currency=active_tenant().currency,
        gross_minor=total,
        total_minor=total,
    )
    for position, (category, quantity, amount) in enumerate(lines, start=1):
        OrderLine.objects.create(
            order=order,
            position=position,
            item=make_item(category),
            sku=f"s-{position}",
            quantity=quantity,
            unit_price_minor=amount // quantity,
            gross_minor=amount,
            total_minor=amount,
        )
    return order


def make_return(order: Order, lines: dict[int, int], returned_at: datetime = NOW) -> Return:
    """Lines are quantity by position; the refund is the share of the line."""
    document = Return.objects.create(
        external_id=f"r-{next(_number)}",
        order=order,
        customer=order.customer,
        returned_at=returned_at,
        total_minor=0,
    )
    for position, quantity in lines.items():
        line = OrderLine.objects.get(order=order, position=position)
        amount = line.total_minor * quantity // line.quantity
        ReturnLine.objects.create(parent=document, order_line=line, quantity=quantity, amount_minor=amount)
        document.total_minor += amount
    document.save()
    return document


def post(
    customer: Customer, wallet: Wallet, points: int, source: str | Source = "", **options: Any
) -> Posting:
    values: dict[str, Any] = {
        "kind": TransactionKind.ADJUST,
        "source": source if isinstance(source, Source) else Source("test", source or f"s-{next(_number)}"),
        "occurred_at": options.get("at", NOW),
        "by": SYSTEM,
        "at": NOW,
        **options,
    }
    return ledger.post(customer_id=customer.pk, wallet_id=wallet.pk, points=points, **values)


def lots_of(customer: Customer) -> list[tuple[int, int]]:
    """(remaining, held) of a customer's lots, oldest first."""
    return list(
        Lot.objects.filter(account__customer=customer).order_by("id").values_list("remaining", "held")
    )


def balance_of(customer: Customer) -> tuple[int, int]:
    account = Account.objects.get(customer=customer)
    return account.available, account.held

"""A shop whose customers have tastes, rhythms and, half of them, an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from crm.models import Customer, Item, Order, OrderLine

OPENED = datetime(2025, 1, 6, 12, tzinfo=UTC)


def open_shop(
    *, customers: int = 0, items: int = 24, days: int = 300, seed: int = 0, name: str = "shop"
) -> tuple[list[Customer], list[Item]]:
    """Customers with even numbers like the first half of the items, odd ones the second half."""
    rng = np.random.default_rng(seed)
    people = [
        Customer(external_id=f"{name}-c{number}", created_at=OPENED, updated_at=OPENED)
        for number in range(customers)
    ]
    goods = [
        Item(
            external_id=f"{name}-i{number}",
            name=f"{name} item {number}",
            category="left" if number < items // 2 else "right",
            price_minor=100 + number,
            created_at=OPENED,
            updated_at=OPENED,
        )
        for number in range(items)
    ]
    Customer.objects.bulk_create(people)
    Item.objects.bulk_create(goods)
    half = items // 2
    visits = [
        (person, goods[half * (number % 2) : half * (number % 2) + half], day)
        for number, person in enumerate(people)
        for day in _visit_days(rng, days)
    ]
    buy(visits, rng, name)
    return people, goods


def _visit_days(rng: np.random.Generator, days: int) -> list[int]:
    gap = rng.gamma(4.0, 4.0) + 3.0
    end = days if rng.random() < 0.6 else int(rng.integers(min(20, days), days + 1))
    found, day = set(), float(rng.integers(0, 20))
    while day < end:
        found.add(int(day))
        day += max(1.0, rng.exponential(gap))
    return sorted(found)


def buy(visits: list[tuple[Customer, list[Item], int]], rng: np.random.Generator, name: str) -> None:
    """One order per visit with up to three of the items offered."""
    orders, baskets = [], []
    for number, (person, offered, day) in enumerate(visits):
        chosen = rng.permutation(len(offered))[: min(3, len(offered))]
        basket = [offered[int(place)] for place in chosen]
        total = sum(item.price_minor or 0 for item in basket)
        orders.append(
            Order(
                external_id=f"{name}-o{number}-{day}",
                customer=person,
                placed_at=OPENED + timedelta(days=day),
                currency="USD",
                gross_minor=total,
                total_minor=total,
            )
        )
        baskets.append(basket)
    Order.objects.bulk_create(orders)
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            item=item,
            sku=item.external_id,
            quantity=1,
            unit_price_minor=item.price_minor or 0,
            gross_minor=item.price_minor or 0,
            total_minor=item.price_minor or 0,
        )
        for order, basket in zip(orders, baskets, strict=True)
        for position, item in enumerate(basket, start=1)
    )

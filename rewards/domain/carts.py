"""A cart as coupons see it; amounts are integer minor units of the tenant's currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line of a cart; the unit price is what the shop asks before coupons."""

    sku: str
    quantity: int
    unit_price_minor: int
    category: str = ""

    @property
    def amount_minor(self) -> int:
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class Cart:
    """What is about to be paid."""

    lines: Sequence[CartLine]
    shipping_minor: int = 0
    channel: str = ""
    currency: str = ""

    @property
    def goods_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)

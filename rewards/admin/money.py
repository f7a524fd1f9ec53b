"""Money between the minor units of documents and the amounts people type."""

from __future__ import annotations

from decimal import Decimal

from tenants.admin.formats import exponent


def to_major(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))


def to_minor(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else int(amount.scaleb(exponent(currency)).to_integral_value())

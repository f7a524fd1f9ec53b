"""What a coupon offers, to whom and when: terms as data, and why a cart or customer does not meet them.

All amounts are integer minor units of the tenant's currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from rewards.domain import coupon_eligibility
from rewards.domain.carts import Cart, CartLine
from rewards.domain.coupon_eligibility import CustomerView, Eligibility
from rewards.domain.coupon_reasons import Reason, Rejection
from rewards.domain.coupon_validity import Validity

WHOLE: Final = 10_000
HOURS_A_DAY: Final = 24


class Benefit(StrEnum):
    PERCENT = "percent"
    AMOUNT = "amount"
    FREE_ITEM = "free_item"
    SHIPPING = "shipping"
    STORED_VALUE = "stored_value"


class Base(StrEnum):
    """What a discount is computed on: the original prices, or what earlier discounts left of them."""

    ORIGINAL = "original"
    REMAINING = "remaining"


class OnConflict(StrEnum):
    """What happens when codes that exclude each other come in one call."""

    BEST_OF = "best_of"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Scope:
    """The lines a coupon is about; nothing named is everything.

    ``has_items`` says that items are listed even when none of them is among ``skus``: a list of thousands is
    loaded for the cart at hand only.
    """

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    excluded_categories: frozenset[str] = frozenset()
    has_items: bool = False

    def covers(self, line: CartLine) -> bool:
        if line.category in self.excluded_categories:
            return False
        if not (self.has_items or self.skus or self.categories):
            return True
        return line.sku in self.skus or line.category in self.categories


@dataclass(frozen=True, slots=True)
class Stacking:
    """How a coupon meets others: lower ``priority`` is applied first; one of a ``group``, or alone."""

    priority: int = 100
    base: Base = Base.REMAINING
    group: str = ""
    is_exclusive: bool = False
    on_conflict: OnConflict = OnConflict.BEST_OF


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything a coupon definition says."""

    benefit: Benefit
    percent_hundredths: int = 0
    amount_minor: int = 0
    free_quantity: int = 1
    max_discount_minor: int | None = None
    scope: Scope = field(default_factory=Scope)
    validity: Validity = field(default_factory=Validity)
    eligibility: Eligibility = field(default_factory=Eligibility)
    stacking: Stacking = field(default_factory=Stacking)


def rejections(
    terms: Terms, cart: Cart, customer: CustomerView | None, at: datetime, *, zone: tzinfo, currency: str
) -> list[Rejection]:
    """Return every reason why the terms are not met; an empty list means the coupon may be priced."""
    found = list(terms.validity.rejections(at, zone))
    found += _of_cart(terms, cart, currency)
    found += coupon_eligibility.rejections(terms.eligibility, customer, at)
    return found


def _of_cart(terms: Terms, cart: Cart, currency: str) -> Iterator[Rejection]:
    wanted = terms.eligibility
    if cart.currency and cart.currency != currency:
        yield Rejection(Reason.CURRENCY)
    if wanted.channels and cart.channel not in wanted.channels:
        yield Rejection(Reason.CHANNEL)
    if cart.goods_minor < wanted.minimum_spend_minor:
        yield Rejection(Reason.MINIMUM_SPEND, wanted.minimum_spend_minor - cart.goods_minor)
    if cart.quantity < wanted.minimum_quantity:
        yield Rejection(Reason.MINIMUM_QUANTITY, wanted.minimum_quantity - cart.quantity)
    if terms.benefit is Benefit.SHIPPING and not cart.shipping_minor:
        yield Rejection(Reason.NO_SHIPPING)
    if not any(terms.scope.covers(line) for line in cart.lines):
        yield Rejection(Reason.NO_ELIGIBLE_ITEMS)

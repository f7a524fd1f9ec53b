"""For whom a coupon is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from crm.domain.rules import CustomerFacts, Rule, matches
from rewards.domain.coupon_reasons import Reason, Rejection


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Conditions over cart and customer; what is empty is no condition."""

    minimum_spend_minor: int = 0
    minimum_quantity: int = 0
    channels: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    is_first_purchase: bool = False
    rule: Rule | None = None

    @property
    def needs_customer(self) -> bool:
        return bool(self.segments or self.tiers or self.is_first_purchase or self.rule is not None)


@dataclass(frozen=True, slots=True)
class CustomerView:
    """What eligibility asks of a customer."""

    id: int
    is_active: bool = True
    segments: frozenset[str] = frozenset()
    tier: str = ""
    facts: CustomerFacts = field(default_factory=lambda: CustomerFacts({}, {}))


def rejections(wanted: Eligibility, customer: CustomerView | None, at: datetime) -> Iterator[Rejection]:
    """Yield every reason why the coupon is not for the customer."""
    if customer is None:
        if wanted.needs_customer:
            yield Rejection(Reason.CUSTOMER_REQUIRED)
        return
    if not customer.is_active:
        yield Rejection(Reason.CUSTOMER_NOT_ACTIVE)
    if wanted.segments and not wanted.segments & customer.segments:
        yield Rejection(Reason.SEGMENT)
    if wanted.tiers and customer.tier not in wanted.tiers:
        yield Rejection(Reason.TIER)
    if wanted.is_first_purchase and customer.facts.orders_count:
        yield Rejection(Reason.FIRST_PURCHASE)
    if wanted.rule is not None and not matches(wanted.rule, customer.facts, at):
        yield Rejection(Reason.CUSTOMER_RULE)

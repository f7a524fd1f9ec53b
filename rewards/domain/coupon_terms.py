"""What a coupon offers, to whom and when: terms as data, and why a cart or customer does not meet them.

All amounts are integer minor units of the tenant's currency; weekdays are ISO (1 is Monday); days and hours
are those of the tenant's time zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final

from crm.domain.rules import CustomerFacts, Rule, matches
from rewards.domain.expiry import start_of_day

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


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Reason(StrEnum):
    """Why a code is refused; stable, for machines."""

    UNKNOWN_CODE = "unknown_code"
    DUPLICATE_CODE = "duplicate_code"
    NOT_OFFERED = "not_offered"
    PAUSED = "paused"
    VOID = "void"
    EXHAUSTED = "exhausted"
    RESERVED = "reserved"
    OTHER_CUSTOMER = "other_customer"
    NOT_TARGETED = "not_targeted"
    CUSTOMER_REQUIRED = "customer_required"
    CUSTOMER_NOT_ACTIVE = "customer_not_active"
    NOT_STARTED = "not_started"
    EXPIRED = "expired"
    WEEKDAY = "weekday"
    HOUR = "hour"
    CURRENCY = "currency"
    CHANNEL = "channel"
    MINIMUM_SPEND = "minimum_spend"
    MINIMUM_QUANTITY = "minimum_quantity"
    NO_ELIGIBLE_ITEMS = "no_eligible_items"
    NO_SHIPPING = "no_shipping"
    SEGMENT = "segment"
    TIER = "tier"
    FIRST_PURCHASE = "first_purchase"
    CUSTOMER_RULE = "customer_rule"
    CUSTOMER_LIMIT = "customer_limit"
    PERIOD_LIMIT = "period_limit"
    CODE_PERIOD_LIMIT = "code_period_limit"
    OFFER_LIMIT = "offer_limit"
    OFFER_BUDGET = "offer_budget"
    OFFER_PERIOD_LIMIT = "offer_period_limit"
    OFFER_PERIOD_BUDGET = "offer_period_budget"
    CAMPAIGN_LIMIT = "campaign_limit"
    CAMPAIGN_BUDGET = "campaign_budget"
    CAMPAIGN_PERIOD_LIMIT = "campaign_period_limit"
    CAMPAIGN_PERIOD_BUDGET = "campaign_period_budget"
    NOT_COMBINABLE = "not_combinable"
    NOTHING_LEFT = "nothing_left"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason; ``missing`` is the distance to the limit (minor units, pieces), ``at`` when it changes."""

    reason: Reason
    missing: int | None = None
    at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"reason": self.reason.value}
        if self.missing is not None:
            found["missing"] = self.missing
        if self.at is not None:
            found["at"] = self.at.isoformat()
        return found


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
class Validity:
    """When a coupon counts. ``until`` is the first instant at which it does not any more.

    Hours run from ``hour_from`` up to, without, ``hour_until``; 22 to 4 is a night and belongs to the weekday
    on which it began.
    """

    since: datetime | None = None
    until: datetime | None = None
    weekdays: frozenset[int] = frozenset()
    hour_from: int | None = None
    hour_until: int | None = None

    def rejections(self, at: datetime, zone: tzinfo) -> Iterator[Rejection]:
        if self.since is not None and at < self.since:
            yield Rejection(Reason.NOT_STARTED, at=self.since)
        if self.until is not None and at >= self.until:
            yield Rejection(Reason.EXPIRED, at=self.until)
        local = at.astimezone(zone)
        day, is_open = self._shift(local)
        if self.weekdays and day.isoweekday() not in self.weekdays:
            yield Rejection(Reason.WEEKDAY)
        if not is_open:
            yield Rejection(Reason.HOUR)

    def _shift(self, local: datetime) -> tuple[date, bool]:
        if self.hour_from is None or self.hour_until is None:
            return local.date(), True
        if self.hour_from < self.hour_until:
            return local.date(), self.hour_from <= local.hour < self.hour_until
        if local.hour < self.hour_until:
            return local.date() - timedelta(days=1), True
        return local.date(), local.hour >= self.hour_from


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
    found += _of_customer(terms.eligibility, customer, at)
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


def _of_customer(wanted: Eligibility, customer: CustomerView | None, at: datetime) -> Iterator[Rejection]:
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


def end_after_days(issued_at: datetime, days: int | None, zone: tzinfo) -> datetime | None:
    """Return the end of the local day ``days`` after the day of issue: 1 is the end of tomorrow."""
    if days is None:
        return None
    return start_of_day(issued_at.astimezone(zone).date() + timedelta(days=days + 1), zone)


def period_start(period: Period, at: datetime, zone: tzinfo) -> date:
    """Return the first local day of the period ``at`` lies in; weeks begin on Monday."""
    day = at.astimezone(zone).date()
    if period is Period.DAY:
        return day
    return day - timedelta(days=day.weekday()) if period is Period.WEEK else day.replace(day=1)

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.domain.rules import CustomerFacts, parse
from rewards.domain.carts import Cart, CartLine
from rewards.domain.coupon_eligibility import CustomerView, Eligibility
from rewards.domain.coupon_reasons import Reason, Rejection
from rewards.domain.coupon_terms import Benefit, Scope, Terms, rejections
from rewards.domain.coupon_validity import Validity

SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY_NOON = datetime(2026, 3, 13, 4, tzinfo=UTC)
CART = Cart([CartLine("tea", 2, 1500, "drinks")], channel="web", currency="CNY")


def refused(terms: Terms, customer: CustomerView | None = None, cart: Cart = CART) -> list[Rejection]:
    return rejections(terms, cart, customer, FRIDAY_NOON, zone=SHANGHAI, currency="CNY")


def wanting(**conditions: Any) -> Terms:
    return Terms(Benefit.PERCENT, percent_hundredths=1000, eligibility=Eligibility(**conditions))


@pytest.mark.parametrize(
    ("terms", "reason", "missing"),
    [
        (wanting(minimum_spend_minor=5000), Reason.MINIMUM_SPEND, 2000),
        (wanting(minimum_quantity=5), Reason.MINIMUM_QUANTITY, 3),
        (wanting(channels=frozenset({"app"})), Reason.CHANNEL, None),
        (wanting(segments=frozenset({"vip"})), Reason.CUSTOMER_REQUIRED, None),
        (Terms(Benefit.SHIPPING), Reason.NO_SHIPPING, None),
        (Terms(Benefit.AMOUNT, scope=Scope(has_items=True)), Reason.NO_ELIGIBLE_ITEMS, None),
        (Terms(Benefit.AMOUNT, scope=Scope(categories=frozenset({"x"}))), Reason.NO_ELIGIBLE_ITEMS, None),
        (
            Terms(Benefit.AMOUNT, scope=Scope(excluded_categories=frozenset({"drinks"}))),
            Reason.NO_ELIGIBLE_ITEMS,
            None,
        ),
        (Terms(Benefit.AMOUNT, validity=Validity(weekdays=frozenset({6, 7}))), Reason.WEEKDAY, None),
        (Terms(Benefit.AMOUNT, validity=Validity(hour_from=13, hour_until=15)), Reason.HOUR, None),
    ],
)
def test_reasons_name_what_is_wrong_and_what_is_missing(
    terms: Terms, reason: Reason, missing: int | None
) -> None:
    assert refused(terms) == [Rejection(reason, missing)]


@pytest.mark.parametrize(
    ("conditions", "customer", "reason"),
    [
        ({"segments": frozenset({"vip"})}, CustomerView(1), Reason.SEGMENT),
        ({"tiers": frozenset({"gold"})}, CustomerView(1, tier="silver"), Reason.TIER),
        (
            {"is_first_purchase": True},
            CustomerView(1, facts=CustomerFacts({}, {}, orders_count=1)),
            Reason.FIRST_PURCHASE,
        ),
        (
            {"rule": parse({"attribute": "city", "op": "eq", "value": "Xi'an"})},
            CustomerView(1),
            Reason.CUSTOMER_RULE,
        ),
        ({}, CustomerView(1, is_active=False), Reason.CUSTOMER_NOT_ACTIVE),
    ],
)
def test_conditions_on_the_customer(
    conditions: dict[str, Any], customer: CustomerView, reason: Reason
) -> None:
    assert refused(wanting(**conditions), customer) == [Rejection(reason)]


def test_a_customer_who_meets_all_is_not_refused() -> None:
    facts = CustomerFacts({"city": "Xi'an"}, {})
    rule = parse({"attribute": "city", "op": "eq", "value": "Xi'an"})
    terms = wanting(
        segments=frozenset({"vip"}), tiers=frozenset({"gold"}), rule=rule, is_first_purchase=True,
        minimum_spend_minor=3000, channels=frozenset({"web"}),
    )  # fmt: skip
    assert refused(terms, CustomerView(1, True, frozenset({"vip"}), "gold", facts)) == []

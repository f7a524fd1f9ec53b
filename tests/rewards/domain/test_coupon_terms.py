from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.domain.rules import CustomerFacts, parse
from rewards.domain.coupon_terms import (
    Benefit,
    Cart,
    CartLine,
    CustomerView,
    Eligibility,
    Period,
    Reason,
    Rejection,
    Scope,
    Terms,
    Validity,
    end_after_days,
    period_start,
    rejections,
)

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
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


def test_validity_is_told_by_the_tenants_clock() -> None:
    # Friday 23:30 in Shanghai is still Friday morning in New York.
    night = datetime(2026, 3, 13, 15, 30, tzinfo=UTC)
    late = Validity(weekdays=frozenset({5}), hour_from=22, hour_until=4)
    assert list(late.rejections(night, SHANGHAI)) == []
    assert list(late.rejections(night, NEW_YORK)) == [Rejection(Reason.HOUR)]
    # Saturday 03:59 belongs to Friday's night; 04:00 does not.
    assert list(late.rejections(datetime(2026, 3, 13, 19, 59, tzinfo=UTC), SHANGHAI)) == []
    after = list(late.rejections(datetime(2026, 3, 13, 20, 0, tzinfo=UTC), SHANGHAI))
    assert [rejection.reason for rejection in after] == [Reason.WEEKDAY, Reason.HOUR]


def test_the_end_is_the_first_instant_that_does_not_count() -> None:
    validity = Validity(since=FRIDAY_NOON, until=datetime(2026, 3, 14, tzinfo=UTC))
    assert list(validity.rejections(FRIDAY_NOON, SHANGHAI)) == []
    assert [r.reason for r in validity.rejections(datetime(2026, 3, 14, tzinfo=UTC), SHANGHAI)] == [
        Reason.EXPIRED
    ]
    assert list(validity.rejections(datetime(2026, 3, 1, tzinfo=UTC), SHANGHAI)) == [
        Rejection(Reason.NOT_STARTED, at=FRIDAY_NOON)
    ]


def test_days_after_issue_end_with_the_tenants_day_across_daylight_saving() -> None:
    issued = datetime(2026, 3, 8, 4, 30, tzinfo=UTC)  # 7 March, 23:30 in New York
    assert end_after_days(issued, 1, NEW_YORK) == datetime(2026, 3, 9, 4, tzinfo=UTC)
    assert end_after_days(issued, 0, NEW_YORK) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert end_after_days(issued, None, NEW_YORK) is None


def test_periods_begin_on_local_days() -> None:
    moment = datetime(2026, 3, 1, 17, tzinfo=UTC)  # Monday 2 March in Shanghai
    starts = [period_start(period, moment, SHANGHAI) for period in Period]
    assert starts == [date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 1)]

"""What comes back takes back what it counted for, whoever takes part no more and whatever is offered now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer, CustomerState, Order
from rewards.models import CouponCode, CouponKind
from rewards.services import challenges, verification
from rewards.services.coupons import definitions
from rewards.services.coupons.definition_terms import DefinitionTerms
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.conftest import NOW
from tests.rewards.challenge_worlds import (
    LESSONS,
    LIVE,
    ORDERS,
    challenge,
    count_orders,
    progress_of,
    publish,
)
from tests.rewards.factories import balance_of, make_customer, make_order, make_return

DAY = timedelta(days=1)
LINES = [("DAIRY", 2, 1000)]


@pytest.fixture
def ann(scope: Tenant) -> Customer:
    return make_customer(created_at=LIVE)


def bought(customer: Customer, *days: int) -> list[Order]:
    orders = [make_order(customer, LINES, NOW - DAY * each) for each in days]
    count_orders(*(order.pk for order in orders))
    return orders


def give_back(order: Order) -> None:
    back = make_return(order, {1: 2})
    for _ in range(2):
        challenges.record_returns([back.pk], by=SYSTEM, at=NOW)


def completed(customer: Customer, **options: Any) -> Order:
    """Complete a challenge and return an order that counted for it."""
    publish(challenge(ORDERS, **options))
    if options.get("opt_in"):
        challenges.opt_in(customer=customer, key="c", by=SYSTEM, at=NOW - DAY * 10)
    first, _second = bought(customer, 2, 1)
    assert (progress_of(customer), balance_of(customer)) == ([("1", "rewarded", 2)], (100, 0))
    return first


def lost(customer: Customer) -> None:
    assert (progress_of(customer), balance_of(customer)) == ([("1", "in_progress", 1)], (0, 0))
    assert verification.verify_ledger(by=SYSTEM, at=NOW).is_sound


def test_leaving_a_challenge_does_not_save_its_reward(ann: Customer) -> None:
    order = completed(ann, opt_in=True)
    challenges.opt_out(customer=ann, key="c", by=SYSTEM, at=NOW)
    give_back(order)
    lost(ann)
    # Outside, new orders count for nothing, and neither do those of before that did not count then.
    bought(ann, 1)
    lost(ann)


def test_a_challenge_that_asks_now_takes_back_what_it_gave_to_everybody(ann: Customer) -> None:
    order = completed(ann)
    publish(challenge(ORDERS, opt_in=True), at=NOW - DAY / 2)
    give_back(order)
    lost(ann)


def test_a_challenge_that_was_dropped_takes_back_and_gives_nothing(ann: Customer) -> None:
    order = completed(ann)
    publish(challenge(LESSONS, key="other"), at=NOW - DAY / 2)
    bought(ann, 1)
    assert progress_of(ann) == [("1", "rewarded", 2)]
    give_back(order)
    lost(ann)


def test_a_dropped_challenge_does_not_pay_what_waited(ann: Customer) -> None:
    terms = DefinitionTerms(name="Gift", kind=CouponKind.PERCENT, percent_hundredths=1000)
    gift = [{"kind": "coupon", "coupon": "gift"}]
    definitions.save(key="gift", terms=replace(terms, is_active=False), by=SYSTEM, at=LIVE)
    publish(challenge(ORDERS, rewards=gift))
    first, second, _third = bought(ann, 4, 3, 2)
    assert progress_of(ann) == [("1", "completed", 3)]
    publish(challenge(LESSONS, key="other"), at=NOW - DAY / 2)
    definitions.save(key="gift", terms=terms, by=SYSTEM, at=NOW)
    give_back(first)
    assert (progress_of(ann), CouponCode.objects.count()) == ([("1", "completed", 2)], 0)
    give_back(second)
    assert progress_of(ann) == [("1", "in_progress", 1)]


def test_who_is_suspended_loses_what_comes_back_and_wins_nothing(ann: Customer) -> None:
    order = completed(ann)
    Customer.objects.filter(pk=ann.pk).update(state=CustomerState.SUSPENDED)
    bought(ann, 1)
    assert progress_of(ann) == [("1", "rewarded", 2)]
    give_back(order)
    lost(ann)


def test_what_did_not_count_cannot_come_back(ann: Customer) -> None:
    publish(challenge(ORDERS, opt_in=True))
    (order,) = bought(ann, 2)
    give_back(order)
    assert progress_of(ann) == []

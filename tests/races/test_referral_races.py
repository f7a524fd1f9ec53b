"""Referrals that qualify while others qualify, and while customers are merged: both sides are paid once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db.models import Sum

from crm.models import Customer
from crm.services import merges
from rewards.domain.offers import ReferralTerms
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import Account, CouponCode, LedgerTransaction, Referral, ReferralState
from rewards.services import referral_codes, referral_programs, referral_qualifications, referrals, velocity
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.races.test_ledger_races import THREADS, together
from tests.rewards.coupons import make_definition
from tests.rewards.factories import NOW, make_customer, make_order, make_wallet

pytestmark = pytest.mark.django_db(transaction=True)
FRIENDS = 12


@pytest.fixture
def brought(tenant: Tenant, other_tenant: Tenant) -> Any:
    """A top member who brought a member who brought friends, each with a first order nobody looked at."""
    with tenant_scope(other_tenant):
        make_wallet()
    with tenant_scope(tenant):
        make_wallet()
        make_definition("friend", code_pattern="########")
        terms = ReferralTerms(
            referrer_points=100, referee_kind="coupon", referee_coupon="friend", upper_points=[7]
        )
        referral_programs.save_program(terms=terms, by=SYSTEM, at=NOW)
        limit = VelocityLimit(Pace.REFERRALS, 100, 24)
        velocity.save_limit(limit=limit, by=SYSTEM, at=NOW)
        top, member = make_customer(), make_customer()
        register(top, member)
        referral_qualifications.by_orders([make_order(member, [("A", 1, 100)]).pk], by=SYSTEM, at=NOW)
        friends = [make_customer() for _ in range(FRIENDS)]
        for friend in friends:
            register(member, friend)
        orders = [make_order(friend, [("A", 1, 100)]).pk for friend in friends]
    return top, member, friends, orders


def register(referrer: Customer, referee: Customer) -> Referral:
    code = referral_codes.code_of(customer=referrer, at=NOW).code
    return referrals.register(code=code, referee=referee, by=SYSTEM, at=NOW)


def points_by_customer() -> dict[int, int]:
    rows = Account.objects.values_list("customer").annotate(points=Sum("available"))
    return {customer: points for customer, points in rows if points}


def test_twins_of_one_batch_pay_both_sides_once(tenant: Tenant, brought: Any) -> None:
    top, member, friends, orders = brought

    def qualify(number: int) -> Any:
        with tenant_scope(tenant):
            batch = orders if number % 2 else orders[::-1]
            return referral_qualifications.by_orders(batch, by=SYSTEM, at=NOW)

    answers = together(qualify)
    assert sum(answers) == FRIENDS
    with tenant_scope(tenant):
        assert points_by_customer() == {top.pk: 100 + 7 * FRIENDS, member.pk: 100 * FRIENDS}
        owners = Counter(CouponCode.objects.filter(customer__isnull=False).values_list("customer", flat=True))
        assert owners == {customer.pk: 1 for customer in [member, *friends]}
        assert set(Referral.objects.values_list("state", flat=True)) == {ReferralState.REWARDED}


@pytest.mark.parametrize("who", ["referrer", "upper", "friends"])
def test_a_merge_during_a_batch_loses_and_doubles_nothing(tenant: Tenant, brought: Any, who: str) -> None:
    top, member, friends, orders = brought
    with tenant_scope(tenant):
        survivors = [make_customer() for _ in range(THREADS // 2)]
    absorbed = {"referrer": [member], "upper": [top], "friends": friends[: THREADS // 2]}[who]

    def work(number: int) -> Any:
        with tenant_scope(tenant):
            if number < len(absorbed):
                merges.merge(survivor=survivors[number], absorbed=absorbed[number], by=SYSTEM, at=NOW)
                return 0
            return referral_qualifications.by_orders(orders[number::2], by=SYSTEM, at=NOW)

    answers = together(work)
    assert [answer for answer in answers if not isinstance(answer, int)] == []
    with tenant_scope(tenant):
        referral_qualifications.by_orders(orders, by=SYSTEM, at=NOW)
        heir = {gone.pk: survivors[number].pk for number, gone in enumerate(absorbed)}
        assert points_by_customer() == {
            heir.get(top.pk, top.pk): 100 + 7 * FRIENDS, heir.get(member.pk, member.pk): 100 * FRIENDS
        }  # fmt: skip
        owners = Counter(CouponCode.objects.filter(customer__isnull=False).values_list("customer", flat=True))
        assert owners == {heir.get(each.pk, each.pk): 1 for each in [member, *friends]}
        assert Referral.objects.filter(state=ReferralState.REWARDED).count() == FRIENDS + 1
        paid = LedgerTransaction.objects.filter(source_type="referral").values_list("source_id", flat=True)
        assert len(paid) == len(set(paid)) == 1 + 2 * FRIENDS

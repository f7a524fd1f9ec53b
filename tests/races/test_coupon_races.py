"""Real connections, real commits: limited coupons are never over-redeemed (Saleor 544, Shopware 11245)."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from rewards.models import CouponCode, CouponCounter, CouponKind, CouponRedemption, CouponUse
from rewards.services.coupons import campaigns, pools, redemptions
from rewards.services.coupons.errors import CouponsBusy, CouponsRejected
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.races.test_ledger_races import together
from tests.rewards.coupons import make_definition, redeem, request
from tests.rewards.factories import NOW, make_customer

pytestmark = pytest.mark.django_db(transaction=True)
CODES = int(os.environ.get("RACE_CODES", "12"))


@pytest.fixture(autouse=True)
def elsewhere(tenant: Tenant, other_tenant: Tenant) -> Iterator[None]:
    with tenant_scope(other_tenant):
        make_definition(code="RACE", uses_per_code=5)
        redeem("RACE")
    yield
    with tenant_scope(other_tenant):
        assert CouponCode.objects.get().uses == 1


def attempts(tenant: Tenant, code: str, times: int, **options: object) -> int:
    won = 0
    for _ in range(times):
        try:
            with tenant_scope(tenant):
                redeem(code, **options)
        except (CouponsRejected, CouponsBusy):
            continue
        won += 1
    return won


def test_pain_limited_coupons_are_never_over_redeemed_under_concurrency(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_definition(code="RACE", uses_per_code=20)
    assert sum(together(lambda _n: attempts(tenant, "RACE", 5))) == 20
    with tenant_scope(tenant):
        assert (CouponCode.objects.get().uses, CouponRedemption.objects.count()) == (20, 20)


def test_limits_by_customer_and_by_campaign_hold(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        terms = campaigns.CampaignTerms(name="c", limit_uses=12)
        campaign = campaigns.save(key="c", terms=terms, by=SYSTEM, at=NOW)
        make_definition(code="MINE", uses_per_code=None, uses_per_customer=3, campaign=campaign)
        make_definition(code="OURS", uses_per_code=None, campaign=campaign)
        customer = make_customer()
    assert sum(together(lambda _n: attempts(tenant, "MINE", 2, customer=customer))) == 3
    assert sum(together(lambda _n: attempts(tenant, "OURS", 3))) == 9
    with tenant_scope(tenant):
        assert CouponCounter.objects.get(key=f"campaign:{campaign.pk}").uses == 12


def test_limits_in_a_period_hold_for_the_code_the_coupon_and_the_campaign(tenant: Tenant) -> None:
    later = NOW + timedelta(days=40)
    with tenant_scope(tenant):
        terms = campaigns.CampaignTerms(name="c", limit_uses_period=11)
        campaign = campaigns.save(key="c", terms=terms, by=SYSTEM, at=NOW)
        make_definition(code="CODE", uses_per_code=None, uses_per_code_period=4)
        make_definition(code="OFFER", uses_per_code=None, limit_uses_period=5)
        # A cart gets 200 off: the sixth is above the money of the month.
        make_definition(code="MONEY", uses_per_code=None, limit_discount_period_minor=1199)
        for code in ("A", "B"):
            make_definition(code=code, uses_per_code=None, campaign=campaign)
    for at in (NOW, later):
        for code, most in (("CODE", 4), ("OFFER", 5), ("MONEY", 5)):
            taken = sum(together(lambda _n, code=code, at=at: attempts(tenant, code, 2, at=at)))
            assert (code, taken) == (code, most)
        taken = sum(together(lambda number, at=at: attempts(tenant, "AB"[number % 2], 3, at=at)))
        assert ("campaign", taken) == ("campaign", 11)
    with tenant_scope(tenant):
        used = CouponCounter.objects.filter(key__startswith=f"campaign:{campaign.pk}:month:")
        assert list(used.values_list("uses", flat=True)) == [11, 11]


def test_every_code_of_a_pool_is_used_once_by_twenty_claimers_each(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        codes = [f"POOL-{number:04}" for number in range(CODES)]
        pools.import_codes(definition=make_definition(), name="p", codes=codes, by=SYSTEM, at=NOW)

    def claim(number: int) -> int:
        mine = codes * 2
        random.Random(number).shuffle(mine)
        return sum(attempts(tenant, code, 1) for code in mine)

    assert sum(together(claim, threads=10)) == CODES
    with tenant_scope(tenant):
        assert set(Counter(CouponUse.objects.values_list("code__code", flat=True)).items()) == {
            (code, 1) for code in codes
        }


def test_a_balance_is_not_spent_twice_and_carts_in_opposite_order_do_not_deadlock(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        for code in ("A", "B"):
            make_definition(
                code=code, kind=CouponKind.STORED_VALUE, amount_minor=2500, uses_per_code=None, limit_uses=100
            )

    def spend(number: int) -> int:
        codes = ("A", "B") if number % 2 else ("B", "A")
        spent = 0
        for _ in range(4):
            try:
                with tenant_scope(tenant):
                    spent += redeem(*codes).discount_minor
            except CouponsRejected:
                continue
        return spent

    # A cart is worth 2,300: two carts take 2,300 and the third cannot use both codes any more.
    assert sum(together(spend)) <= 5000
    with tenant_scope(tenant):
        left = sum(CouponCode.objects.values_list("balance_minor", flat=True))
        assert left + sum(CouponUse.objects.values_list("discount_minor", flat=True)) == 5000


def test_twins_of_one_request_take_once(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_definition(code="TWIN", uses_per_code=1)
        make_definition(code="OPEN", uses_per_code=None)

    def send(_number: int) -> int:
        with tenant_scope(tenant):
            redeem("OPEN", source="open")
            return redeem("TWIN", source="one").pk

    assert len(set(together(send))) == 1
    with tenant_scope(tenant):
        assert CouponRedemption.objects.count() == 2


def test_rollbacks_at_the_same_moment_give_back_once(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_definition(code="BACK", uses_per_code=2, limit_uses=2)
        redemption = redeem("BACK")

    def undo(_number: int) -> bool:
        with tenant_scope(tenant):
            redemptions.roll_back(redemption=redemption, by=SYSTEM, at=NOW)
        return True

    assert together(undo).count(True) == 1
    with tenant_scope(tenant):
        assert (CouponCode.objects.get().uses, CouponCounter.objects.get().uses) == (0, 0)
        assert request("BACK").codes == ("BACK",)

"""Requests at the same moment: no more than the limit of pace allows pass, whoever comes first."""

from __future__ import annotations

from collections import Counter
from threading import Barrier
from typing import Any

import pytest

from rewards.domain.offers import ReferralTerms
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import (
    AbuseReview,
    CouponRedemption,
    Redemption,
    Referral,
    ReferralState,
    RewardKind,
    VelocityKind,
)
from rewards.services import (
    cancellations,
    catalogue,
    fulfilments,
    redemptions,
    referral_codes,
    referral_programs,
    referrals,
    velocity,
)
from rewards.services.coupons import carts
from rewards.services.coupons.errors import CouponsTooFast
from rewards.services.guesses import MOST, Guesser, GuesserKind, TooManyGuesses
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.races.test_ledger_races import THREADS, together
from tests.rewards.coupons import make_definition, request
from tests.rewards.factories import NOW, balance_of, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db(transaction=True)


def limit(kind: Pace, most: int) -> None:
    velocity.save_limit(limit=VelocityLimit(kind, most, 24), by=SYSTEM, at=NOW)


@pytest.fixture
def shop(tenant: Tenant, other_tenant: Tenant) -> Any:
    """A member with 1,000 points and a mug for 50; another tenant's member has as many."""
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            customer = make_customer()
            post(customer, make_wallet(), 1000)
            mug = catalogue.save_reward(
                key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=50,
                stock=None, by=SYSTEM, at=NOW,
            )  # fmt: skip
    return customer, mug


def test_redemptions_side_by_side_keep_the_limit(tenant: Tenant, shop: Any) -> None:
    customer, mug = shop
    with tenant_scope(tenant):
        limit(Pace.REDEMPTIONS, 2)

    def take(_number: int) -> Any:
        with tenant_scope(tenant):
            return redemptions.redeem(customer=customer, reward=mug, by=SYSTEM, at=NOW).state

    assert Counter(together(take)) == {"confirmed": 2, "reserved": THREADS - 2}
    with tenant_scope(tenant):
        assert balance_of(customer) == (1000 - 50 * THREADS, 50 * (THREADS - 2))
        assert AbuseReview.objects.count() == THREADS - 2


def test_refunds_side_by_side_keep_the_limit(tenant: Tenant, shop: Any) -> None:
    customer, mug = shop
    with tenant_scope(tenant):
        limit(Pace.REFUNDS, 3)
        had = [
            fulfilments.fulfil(
                redemption=redemptions.redeem(customer=customer, reward=mug, by=SYSTEM, at=NOW),
                by=SYSTEM, at=NOW,
            )
            for _ in range(THREADS)
        ]  # fmt: skip

    def give_back(number: int) -> Any:
        with tenant_scope(tenant):
            return cancellations.refund(redemption=had[number], by=SYSTEM, at=NOW).state

    assert Counter(together(give_back)) == {"refunded": 3, "fulfilled": THREADS - 3}
    with tenant_scope(tenant):
        assert Redemption.objects.filter(is_under_review=True).count() == THREADS - 3
        assert balance_of(customer) == (1000 - 50 * (THREADS - 3), 0)


def test_referrals_side_by_side_keep_the_limit_and_twins_make_one(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_wallet()
        limit(Pace.REFERRALS, 2)
        terms = ReferralTerms(referrer_points=100, referee_points=50)
        referral_programs.save_program(terms=terms, by=SYSTEM, at=NOW)
        code = referral_codes.code_of(customer=make_customer(), at=NOW).code
        # Each friend is registered twice at once.
        friends = [make_customer() for _ in range(THREADS // 2)]

    def bring(number: int) -> Any:
        with tenant_scope(tenant):
            friend = friends[number // 2]
            return referrals.register(code=code, referee=friend, by=SYSTEM, at=NOW).pk

    answers = together(bring)
    assert answers[::2] == answers[1::2]
    with tenant_scope(tenant):
        states = Counter(Referral.objects.values_list("state", flat=True))
        assert states == {ReferralState.PENDING: 2, ReferralState.IN_REVIEW: len(friends) - 2}
        assert AbuseReview.objects.count() == len(friends) - 2


def test_carts_with_coupons_side_by_side_keep_the_limit(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        limit(Pace.COUPONS, 3)
        customer = make_customer()
        for number in range(THREADS):
            make_definition(key=f"c{number}", code=f"code{number}", uses_per_code=None)

    def buy(number: int) -> Any:
        try:
            with tenant_scope(tenant):
                carts.redeem(request=request(f"code{number}", customer=customer), by=SYSTEM, at=NOW)
        except CouponsTooFast:
            return False
        return True

    assert sum(together(buy)) == 3
    with tenant_scope(tenant):
        assert CouponRedemption.objects.count() == 3
        assert AbuseReview.objects.get().subject == str(customer.public_id)


def test_guesses_side_by_side_are_answered_no_more_often_than_the_limit(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_definition(code="real", uses_per_code=None)

    def guess(number: int) -> Any:
        answered = 0
        for each in range(4):
            try:
                with tenant_scope(tenant):
                    carts.validate(request=request(f"x{number}-{each}", client="eve"), by=SYSTEM, at=NOW)
            except TooManyGuesses:
                continue
            answered += 1
        return answered

    assert sum(together(guess)) == MOST[GuesserKind.CLIENT]
    with tenant_scope(tenant):
        review = AbuseReview.objects.get()
        label = Guesser(GuesserKind.CLIENT, "eve").label
        assert (review.kind, review.details["name"]) == (VelocityKind.GUESSES, label)


@pytest.mark.parametrize("client", ["", "farm"])
def test_a_shared_limit_holds_although_nobody_waits(tenant: Tenant, client: str, monkeypatch: Any) -> None:
    """Carts without a shopper count for the key, those of customers at one address for the address."""
    monkeypatch.setitem(MOST, GuesserKind.SHARED_CLIENT if client else GuesserKind.API_KEY, 21)
    with tenant_scope(tenant):
        make_definition(code="real", uses_per_code=None)
        customers = [make_customer() if client else None for _ in range(2 * THREADS)]
    turn = Barrier(THREADS)

    def is_answered(codes: list[str], customer: Any) -> bool:
        cart = request(*codes, customer=customer, client=client)
        try:
            with tenant_scope(tenant):
                carts.validate(request=cart, by=SYSTEM, at=NOW)
        except TooManyGuesses:
            return False
        return True

    def guess(number: int) -> Any:
        answered = 0
        for each in range(4):
            turn.wait()
            answered += is_answered([f"x{number}-{each}", f"y{number}-{each}", "real"], customers[number])
        return answered

    unknown = 2 * sum(together(guess))
    assert 0 < unknown <= 21
    # Whatever was refused or known was given back: what is left of the limit can still be asked.
    left = [is_answered([f"z{number}"], customers[THREADS + number // 4]) for number in range(22)]
    assert sum(left) == 21 - unknown

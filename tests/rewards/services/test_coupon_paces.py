"""Carts with coupons that follow each other too fast are refused until somebody has looked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import AbuseReview, CouponRedemption
from rewards.services import reviews, velocity
from rewards.services.coupons import carts
from rewards.services.coupons.errors import CouponsTooFast
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.coupons import make_definition, request
from tests.rewards.factories import NOW, make_customer

HOUR = timedelta(hours=1)


@pytest.fixture
def ann(tenant: Tenant, other_tenant: Tenant) -> Customer:
    """May use coupons twice a day; the other tenant allows once."""
    for each, most in ((other_tenant, 1), (tenant, 2)):
        with tenant_scope(each):
            pace = VelocityLimit(Pace.COUPONS, most, 24)
            velocity.save_limit(limit=pace, by=SYSTEM, at=NOW)
    with tenant_scope(tenant):
        make_definition(code="real", uses_per_code=None)
        return make_customer()


def buy(tenant: Tenant, customer: Customer | None, source: str, at: Any = NOW) -> CouponRedemption:
    with tenant_scope(tenant):
        cart = request("real", customer=customer, source=source)
        return carts.redeem(request=cart, by=SYSTEM, at=at)


def decide(tenant: Tenant, *, is_approved: bool, at: Any) -> None:
    with tenant_scope(tenant):
        review = AbuseReview.objects.get(state="open")
        reviews.decide(review=review, is_approved=is_approved, reason="Looked", by=SYSTEM, at=at)


def test_the_next_one_is_refused_and_a_retry_is_not(tenant: Tenant, ann: Customer) -> None:
    first = buy(tenant, ann, "1")
    buy(tenant, ann, "2")
    for _ in range(2):
        with pytest.raises(CouponsTooFast) as refusal:
            buy(tenant, ann, "3")
    assert (refusal.value.status, refusal.value.extra) == (429, {"most": 2, "window_hours": 24})
    assert buy(tenant, ann, "1").pk == first.pk
    with tenant_scope(tenant):
        # Written although the request was refused; the second refusal found it waiting.
        (review,) = AbuseReview.objects.all()
        assert (review.kind, review.customer_id, review.details) == (
            "coupons", ann.pk, {"most": 2, "window_hours": 24},
        )  # fmt: skip
        assert CouponRedemption.objects.count() == 2
    assert buy(tenant, ann, "3", at=NOW + 25 * HOUR).discount_minor > 0


def test_carts_without_a_customer_have_no_pace(tenant: Tenant, ann: Customer) -> None:
    assert len({buy(tenant, None, str(number)).pk for number in range(4)}) == 4


def test_an_approval_lets_them_begin_anew_and_a_rejection_does_not(tenant: Tenant, ann: Customer) -> None:
    for source in ("1", "2"):
        buy(tenant, ann, source)
    with pytest.raises(CouponsTooFast):
        buy(tenant, ann, "3", at=NOW + HOUR)
    decide(tenant, is_approved=False, at=NOW + 2 * HOUR)
    with pytest.raises(CouponsTooFast):
        buy(tenant, ann, "3", at=NOW + 3 * HOUR)
    decide(tenant, is_approved=True, at=NOW + 4 * HOUR)
    for source in ("3", "4"):
        buy(tenant, ann, source, at=NOW + 5 * HOUR)
    with pytest.raises(CouponsTooFast):
        buy(tenant, ann, "5", at=NOW + 6 * HOUR)

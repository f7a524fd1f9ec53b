"""Coupons of a cart in one call: validated, reserved with a time-out, or redeemed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from rewards.domain.coupon_reasons import Reason
from rewards.models import CouponRedemption
from rewards.queries import coupon_evaluation
from rewards.queries.coupon_evaluation import Evaluation
from rewards.services import guesses
from rewards.services.coupons import paces
from rewards.services.coupons.errors import CouponsRejected
from rewards.services.coupons.redemptions import record
from rewards.services.coupons.takings import Request, require_few, take
from tenants.domain.actors import Actor
from tenants.scope import active_tenant

RESERVATION = timedelta(minutes=15)
LONGEST_RESERVATION = timedelta(days=1)


def validate(*, request: Request, by: Actor, at: datetime) -> Evaluation:
    """Say what a cart would get for its codes; nothing is written.

    Raises ``TooManyCodes``, and ``TooManyGuesses`` after many unknown ones.
    """
    require_few(request.codes)
    with _guesses(request, by, at) as unknown:
        evaluation = coupon_evaluation.evaluate(
            codes=request.codes, cart=request.cart, customer=request.customer, tenant=active_tenant(), at=at
        )
        unknown += [verdict.code for verdict in evaluation.verdicts if verdict.candidate is None]
    return evaluation


def reserve(*, request: Request, by: Actor, at: datetime, ttl: timedelta = RESERVATION) -> CouponRedemption:
    """Take the coupons until ``at + ttl``: then they are given back unless the redemption is confirmed.

    Raises ``CouponsRejected``, ``CouponsTooFast``, ``CouponsBusy`` and ``TooManyCodes``; then nothing was
    taken.
    """
    with _guesses(request, by, at):
        paces.keep(request, at=at)
        redemption, is_new = take(request, tenant=active_tenant(), at=at, ttl=min(ttl, LONGEST_RESERVATION))
    if is_new:
        record(redemption, by=by, at=at)
    return redemption


def redeem(*, request: Request, by: Actor, at: datetime) -> CouponRedemption:
    """Take the coupons of a cart for good, all or none. A repeated source finds the first redemption.

    Raises ``CouponsRejected``, ``CouponsTooFast``, ``CouponsBusy`` and ``TooManyCodes``; then nothing was
    taken.
    """
    with _guesses(request, by, at):
        paces.keep(request, at=at)
        redemption, is_new = take(request, tenant=active_tenant(), at=at)
    if is_new:
        record(redemption, by=by, at=at)
    return redemption


@contextmanager
def _guesses(request: Request, by: Actor, at: datetime) -> Iterator[list[str]]:
    """Refuse who guesses; afterwards count the unknown codes, also when the call is refused."""
    customer_id = request.customer.pk if request.customer else None
    guessers = guesses.guessers_of(customer_id=customer_id, client=request.client, by=by)
    with guesses.counted(guessers, request.codes, at=at) as unknown:
        try:
            yield unknown
        except CouponsRejected as refusal:
            unknown += [
                each["code"] for each in refusal.extra["codes"]
                if each["reasons"][0]["reason"] == Reason.UNKNOWN_CODE
            ]  # fmt: skip
            raise

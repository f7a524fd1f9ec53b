"""Redemptions of coupons after they were taken: confirmed, released, rolled back, timed out."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from rewards.locks import lock_coupon_codes, lock_coupon_redemption
from rewards.models import CouponRedemption, CouponRedemptionState
from rewards.services.coupons import consumption
from rewards.services.coupons.errors import WrongCouponState
from tenants.domain.actors import Actor
from tenants.scope import for_tenants_with
from tenants.services import audit, outbox

_SWEEP = 500
_OVERDUE = """SELECT DISTINCT r.tenant_id FROM rewards_couponredemption r
              JOIN tenants_tenant t ON t.id = r.tenant_id AND t.status = 'active'
              WHERE r.state = 'reserved' AND r.expires_at <= %(at)s ORDER BY r.tenant_id"""


@transaction.atomic
def confirm(
    *, redemption: CouponRedemption, by: Actor, at: datetime, order_reference: str = ""
) -> CouponRedemption:
    """Make a reservation final, also a late one that was not given back yet. Raises ``WrongCouponState``."""
    row = _lock(redemption, CouponRedemptionState.RESERVED)
    row.redeemed_at, row.expires_at = at, None
    row.order_reference = order_reference or row.order_reference
    return _move(row, CouponRedemptionState.REDEEMED, by=by, at=at)


@transaction.atomic
def release(*, redemption: CouponRedemption, by: Actor, at: datetime, reason: str = "") -> CouponRedemption:
    """Give a reservation back: every use, balance and counter. Raises ``WrongCouponState``."""
    row = _lock(redemption, CouponRedemptionState.RESERVED)
    return _give_back(row, CouponRedemptionState.RELEASED, by=by, at=at, reason=reason)


@transaction.atomic
def roll_back(*, redemption: CouponRedemption, by: Actor, at: datetime, reason: str = "") -> CouponRedemption:
    """Undo a redemption, at most once: every use, balance and counter comes back.

    A code that ended meanwhile gets its use back and stays ended. Raises ``WrongCouponState``.
    """
    row = _lock(redemption, CouponRedemptionState.RESERVED, CouponRedemptionState.REDEEMED)
    return _give_back(row, CouponRedemptionState.ROLLED_BACK, by=by, at=at, reason=reason)


def release_overdue(*, by: Actor, at: datetime) -> int:
    """Give back the tenant's reservations whose time is over; returns how many."""
    overdue = CouponRedemption.objects.filter(state=CouponRedemptionState.RESERVED, expires_at__lte=at)
    count = 0
    for redemption in overdue.order_by("pk")[:_SWEEP]:
        try:
            release(redemption=redemption, by=by, at=at, reason="The reservation timed out")
        except WrongCouponState:
            continue
        count += 1
    return count


def release_overdue_everywhere(*, by: Actor, at: datetime) -> int:
    """Do it for the tenants that have overdue reservations."""
    return sum(release_overdue(by=by, at=at) for _tenant_id in for_tenants_with(_OVERDUE, {"at": at}))


def _give_back(
    row: CouponRedemption, state: CouponRedemptionState, *, by: Actor, at: datetime, reason: str
) -> CouponRedemption:
    codes = list(row.uses.select_related("code").order_by("code_id"))
    lock_coupon_codes([use.code.code for use in codes])
    consumption.give_back(codes)
    row.closed_at, row.expires_at, row.reason = at, None, reason[:300]
    return _move(row, state, by=by, at=at)


def _lock(redemption: CouponRedemption, *allowed: CouponRedemptionState) -> CouponRedemption:
    row = lock_coupon_redemption(redemption.pk)
    if row.state not in allowed:
        raise WrongCouponState(f"The redemption is {row.state}.", state=row.state)
    return row


def _move(
    row: CouponRedemption, state: CouponRedemptionState, *, by: Actor, at: datetime
) -> CouponRedemption:
    before, row.state = row.state, state
    row.save()
    record(row, before, by=by, at=at)
    return row


def record(row: CouponRedemption, before: str | None = None, *, by: Actor, at: datetime) -> None:
    """Tell the audit log and the outbox what state the redemption is in now."""
    diff = {"state": [before, row.state], "discount_minor": [None, row.discount_minor]}
    audit.record(action=f"coupons.{row.state}", target=row, by=by, at=at, diff=diff)
    outbox.publish(topic=f"rewards.coupons_{row.state}", payload={"coupon_redemption_id": row.pk}, at=at)

"""Taking redemptions back: cancelled before they are handed over, refunded after, timed out."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from crm.services import customer_touches
from rewards.domain.policies import Pace
from rewards.locks import lock_redemption
from rewards.models import Redemption, RedemptionState, VelocityKind
from rewards.services import holds, ledger, reward_stock, velocity
from rewards.services.coupons import issuing
from rewards.services.errors import HoldClosed
from rewards.services.ledger import Source
from rewards.services.redemption_states import CodeUsed, WrongState, lock, move
from tenants.domain.actors import Actor
from tenants.scope import for_tenants_with

_SWEEP: Final = 500
_OVERDUE: Final = """SELECT DISTINCT h.tenant_id FROM rewards_hold h
    JOIN tenants_tenant t ON t.id = h.tenant_id AND t.status = 'active'
    WHERE h.state = 'open' AND h.expires_at <= %(at)s ORDER BY h.tenant_id"""


@transaction.atomic
def cancel(*, redemption: Redemption, by: Actor, at: datetime, reason: str = "") -> Redemption:
    """Give points, stock and code back before the reward is handed over. Raises ``WrongState``."""
    row = lock(redemption, RedemptionState.RESERVED, RedemptionState.CONFIRMED, RedemptionState.PACKED)
    _give_back(row, "redemption_cancelled", by=by, at=at, reason=reason)
    row.cancelled_at, row.cancel_reason, row.is_under_review = at, reason[:500], False
    return move(row, RedemptionState.CANCELLED, by=by, at=at)


@transaction.atomic
def refund(
    *, redemption: Redemption, by: Actor, at: datetime, reason: str = "", is_approved: bool = False
) -> Redemption:
    """Undo what was handed over: the same lots, the stock and the unused code come back.

    Raises ``WrongState``, and ``CodeUsed`` when the reward's coupon was used. Above the tenant's velocity
    limit the redemption stays as it is, under review, until somebody has approved.
    """
    row = lock(redemption, RedemptionState.FULFILLED, RedemptionState.DELIVERED, RedemptionState.SHIPPED)
    if not is_approved and velocity.exceeded(Pace.REFUNDS, customer_id=row.customer_id, at=at):
        return _review_refund(row, reason, at)
    row.is_under_review = False
    _give_back(row, "redemption_refunded", by=by, at=at, reason=reason)
    row.refunded_at, row.cancel_reason = at, reason[:500]
    return move(row, RedemptionState.REFUNDED, by=by, at=at)


def keep(*, redemption: Redemption) -> Redemption:
    """End the review of a refund without undoing anything."""
    row = lock_redemption(redemption.pk)
    row.is_under_review = False
    row.save(update_fields=["is_under_review"])
    return row


def end_overdue(*, by: Actor, at: datetime) -> int:
    """Cancel reservations whose time is over, and time out other holds; returns how many reservations.

    One confirmed meanwhile stays. Of very many some are left for the next time.
    """
    count = 0
    for redemption in _overdue(at).order_by("pk")[:_SWEEP]:
        try:
            cancel(redemption=redemption, by=by, at=at, reason="The reservation timed out")
        except WrongState:
            continue
        count += 1
    # A reservation keeps its hold, by which it is found, until it is cancelled.
    if not _overdue(at).exists():
        holds.time_out(at=at)
    return count


def end_overdue_everywhere(*, by: Actor, at: datetime) -> int:
    """Do it for the tenants that have overdue holds."""
    return sum(end_overdue(by=by, at=at) for _tenant_id in for_tenants_with(_OVERDUE, {"at": at}))


def _overdue(at: datetime) -> QuerySet[Redemption]:
    return Redemption.objects.filter(state=RedemptionState.RESERVED, hold__expires_at__lte=at)


def _review_refund(row: Redemption, reason: str, at: datetime) -> Redemption:
    row.is_under_review = True
    row.save(update_fields=["is_under_review"])
    velocity.open_review(
        kind=VelocityKind.REFUNDS,
        customer_id=row.customer_id,
        subject=str(row.public_id),
        details={"reward": row.reward.name, "points": row.points, "reason": reason[:300]},
        at=at,
    )
    return row


def _give_back(row: Redemption, source_type: str, *, by: Actor, at: datetime, reason: str) -> None:
    if row.coupon_code is not None and not issuing.give_back(code=row.coupon_code, at=at):
        raise CodeUsed
    if not row.granted_by:
        _give_points_back(row, source_type, by=by, at=at, reason=reason)
    reward_stock.give_back(row.customer_id, row.reward)


def _give_points_back(row: Redemption, source_type: str, *, by: Actor, at: datetime, reason: str) -> None:
    if row.transaction is None:
        # A hold that timed out before its redemption was cancelled has given the points back.
        with suppress(HoldClosed):
            holds.release(hold=row.hold, at=at)
    else:
        source = Source(source_type, str(row.public_id))
        ledger.reverse(transaction=row.transaction, source=source, by=by, at=at, reason=reason)
        customer_touches.add([row.customer_id], is_history=False)

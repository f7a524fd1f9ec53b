"""Deciding reviews: approving lets what waits go on, rejecting undoes or stops it; both are audited."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from rewards.locks import lock_review
from rewards.models import (
    AbuseReview,
    Redemption,
    RedemptionState,
    Referral,
    ReferralState,
    ReviewState,
    VelocityKind,
)
from rewards.services import cancellations, guesses, redemptions, referrals
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.services import audit


class AlreadyDecided(Conflict):
    """Somebody was faster; carries ``state``."""

    code = "review_decided"
    title = "This was decided already"


@transaction.atomic
def decide(*, review: AbuseReview, is_approved: bool, reason: str, by: Actor, at: datetime) -> AbuseReview:
    """Approve or reject what waits, with a reason. Raises ``AlreadyDecided`` and ``InvalidInput``."""
    if not reason.strip():
        raise InvalidInput(errors=[FieldError("/reason", "required", "Say why.")])
    row = lock_review(review.pk)
    if row.state != ReviewState.OPEN:
        raise AlreadyDecided(state=row.state)
    row.state = ReviewState.APPROVED if is_approved else ReviewState.REJECTED
    row.decided_at, row.decided_by, row.reason = at, by.label[:254], reason.strip()[:500]
    row.save()
    _act(row, is_approved=is_approved, by=by, at=at)
    diff = {"state": [ReviewState.OPEN, row.state], "reason": [None, row.reason]}
    audit.record(action=f"review.{row.state}", target=row, by=by, at=at, diff=diff)
    return row


def _act(row: AbuseReview, *, is_approved: bool, by: Actor, at: datetime) -> None:
    match row.kind:
        case VelocityKind.REFERRALS:
            _decide_referral(row, is_approved=is_approved, by=by, at=at)
        case VelocityKind.GUESSES:
            # Who is stopped may go on at once; who was rejected waits until the guesses are old.
            if is_approved:
                guesses.forget(row.subject, at=at)
        case VelocityKind.COUPONS | VelocityKind.TRANSFERS:
            # They were refused when they came; from an approval on, the customer counts anew.
            return
        case _:
            _decide_redemption(row, is_approved=is_approved, by=by, at=at)


def _decide_referral(row: AbuseReview, *, is_approved: bool, by: Actor, at: datetime) -> None:
    referral = Referral.objects.filter(public_id=row.subject).first()
    if referral is None or referral.state != ReferralState.IN_REVIEW:
        return
    if is_approved:
        referrals.approve(referral=referral, by=by, at=at)
    else:
        referrals.reject(referral=referral, reason=row.reason, by=by, at=at)


def _decide_redemption(row: AbuseReview, *, is_approved: bool, by: Actor, at: datetime) -> None:
    redemption = Redemption.objects.filter(public_id=row.subject).first()
    # It may have been cancelled in the meantime; then there is nothing left to do.
    if redemption is None or not redemption.is_under_review:
        return
    if row.kind == VelocityKind.REFUNDS:
        _decide_refund(redemption, row, is_approved=is_approved, by=by, at=at)
    elif is_approved:
        redemptions.confirm(redemption=redemption, is_approved=True, by=by, at=at)
    elif redemption.state == RedemptionState.RESERVED:
        cancellations.cancel(redemption=redemption, reason=row.reason, by=by, at=at)


def _decide_refund(
    redemption: Redemption, row: AbuseReview, *, is_approved: bool, by: Actor, at: datetime
) -> None:
    if is_approved:
        reason = str(row.details.get("reason", ""))
        cancellations.refund(redemption=redemption, reason=reason, is_approved=True, by=by, at=at)
    else:
        cancellations.keep(redemption=redemption)

"""Velocity: what comes too fast from one customer waits for a review.

Who counts against a limit holds its lock until the end of the transaction, so that requests side by side
cannot all be the last one that fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db.models import Max

from crm.models import Customer
from rewards.domain.policies import (
    LONGEST_WINDOW_HOURS,
    MOST_IN_WINDOW,
    USUAL_VELOCITY,
    Pace,
    VelocityLimit,
)
from rewards.locks import lock_pace
from rewards.models import (
    AbuseReview,
    CouponRedemption,
    LedgerTransaction,
    Redemption,
    Referral,
    ReviewState,
    TransactionKind,
    VelocityKind,
)
from rewards.models import VelocityLimit as StoredLimit
from rewards.queries import brakes, governed, offers
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput
from tenants.scope import run_afterwards
from tenants.services import audit

# Where nothing waits for the decision, an approval lets a customer begin anew.
_FORGIVING: Final = frozenset({Pace.COUPONS, Pace.TRANSFERS})
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def limits(*, at: datetime) -> dict[Pace, VelocityLimit]:
    """Return the tenant's limits: tightened by a brake, its own, or the usual ones."""
    own = {each.kind: each for each in offers.velocity_limits()}
    tightened = brakes.on(at)
    return {
        usual.kind: tightened.limit(usual.kind) or own.get(usual.kind) or usual for usual in USUAL_VELOCITY
    }


def save_limit(*, limit: VelocityLimit, by: Actor, at: datetime, of_program: bool = False) -> StoredLimit:
    """Set one limit of the tenant.

    Raises ``InvalidInput``, and ``GovernedByProgram`` unless it comes ``of_program``, with a revision.
    """
    if not of_program and governed.governs_velocity(limit.kind):
        raise GovernedByProgram
    if not (1 <= limit.most <= MOST_IN_WINDOW and 1 <= limit.window_hours <= LONGEST_WINDOW_HOURS):
        raise InvalidInput(
            errors=[FieldError(f"/{limit.kind}", "out_of_range", "At least one, within a year.")]
        )
    values = {"most": limit.most, "window_hours": limit.window_hours}
    row, _created = StoredLimit.objects.update_or_create(kind=limit.kind.value, defaults=values)
    audit.record(action="velocity_limit.saved", target=row, by=by, at=at, diff=_diff(values))
    found: StoredLimit = row
    return found


def drop_limit(*, kind: Pace, by: Actor, at: datetime) -> None:
    """Let the usual limit hold again, after a revision that no longer names this one."""
    for row in StoredLimit.objects.filter(kind=kind.value):
        diff = {"most": [row.most, None], "window_hours": [row.window_hours, None]}
        audit.record(action="velocity_limit.saved", target=row, by=by, at=at, diff=diff)
        row.delete()


def _diff(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [None, value] for name, value in values.items()}


def exceeded(pace: Pace, *, customer_id: int, at: datetime) -> VelocityLimit | None:
    """Return the limit that the customer has reached in its window before ``at``, or ``None``.

    Locks the customer's pace of this kind until the transaction ends: whoever asks next sees what this one
    has done. Ask in the transaction that does it.
    """
    lock_pace(f"{pace.value}:{customer_id}")
    limit = limits(at=at)[pace]
    since = max(at - timedelta(hours=limit.window_hours), _forgiven_at(pace, customer_id))
    count = {
        # What rules gave, nobody asked for.
        Pace.REDEMPTIONS: Redemption.objects.filter(
            customer=customer_id, reserved_at__gt=since, granted_by=""
        ),
        Pace.REFUNDS: Redemption.objects.filter(customer=customer_id, refunded_at__gt=since),
        Pace.REFERRALS: Referral.objects.filter(referrer=customer_id, created_at__gt=since),
        Pace.COUPONS: CouponRedemption.objects.filter(customer=customer_id, reserved_at__gt=since),
        Pace.TRANSFERS: LedgerTransaction.objects.filter(
            account__customer=customer_id, kind=TransactionKind.TRANSFER_OUT, posted_at__gt=since
        ),
    }[pace].count()
    return limit if count >= limit.most else None


def _forgiven_at(pace: Pace, customer_id: int) -> datetime:
    """Return from when on a customer counts."""
    if pace not in _FORGIVING:
        return _LONG_AGO
    approved = AbuseReview.objects.filter(kind=pace.value, customer=customer_id, state=ReviewState.APPROVED)
    return approved.aggregate(latest=Max("decided_at"))["latest"] or _LONG_AGO


def open_review(
    *, kind: VelocityKind, customer_id: int | None, subject: str, details: Mapping[str, Any], at: datetime
) -> AbuseReview:
    """Put something into the review queue; what waits there already waits once."""
    review, _created = AbuseReview.objects.get_or_create(
        kind=kind,
        subject=subject,
        state=ReviewState.OPEN,
        defaults={"customer_id": customer_id, "details": dict(details), "opened_at": at},
    )
    found: AbuseReview = review
    return found


def refusal(limit: VelocityLimit, customer: Customer, *, at: datetime) -> dict[str, Any]:
    """Open a review of a customer, though what they asked for is refused; returns what the answer tells.

    The review is written when the request's transaction is undone.
    """
    details: dict[str, Any] = {"most": limit.most, "window_hours": limit.window_hours}
    run_afterwards(
        partial(
            open_review, kind=VelocityKind(limit.kind.value), customer_id=customer.pk,
            subject=str(customer.public_id), details=details, at=at,
        )
    )  # fmt: skip
    return details

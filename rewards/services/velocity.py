"""Velocity: what comes too fast from one customer waits for a review.

Who counts against a limit holds its lock until the end of the transaction, so that requests side by side
cannot all be the last one that fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Max

from rewards.domain import policies
from rewards.domain.policies import LONGEST_WINDOW_HOURS, MOST_IN_WINDOW
from rewards.locks import lock_pace
from rewards.models import (
    AbuseReview,
    CouponRedemption,
    Redemption,
    Referral,
    ReviewState,
    VelocityKind,
    VelocityLimit,
)
from rewards.queries import governed
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput
from tenants.services import audit


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` in ``window_hours``; the next one waits for a review."""

    most: int
    window_hours: int


USUAL: Final[Mapping[VelocityKind, Limit]] = {
    VelocityKind(each.kind.value): Limit(each.most, each.window_hours) for each in policies.USUAL_VELOCITY
}
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def limits() -> dict[VelocityKind, Limit]:
    """Return the tenant's limits, the usual ones where it has none of its own."""
    own = {VelocityKind(row.kind): Limit(row.most, row.window_hours) for row in VelocityLimit.objects.all()}
    return {**USUAL, **own}


def save_limit(
    *, kind: VelocityKind, limit: Limit, by: Actor, at: datetime, of_program: bool = False
) -> VelocityLimit:
    """Set one limit of the tenant.

    Raises ``InvalidInput``, and ``GovernedByProgram`` unless it comes ``of_program``, with a revision.
    """
    if not of_program and governed.governs_velocity(kind):
        raise GovernedByProgram
    if not (1 <= limit.most <= MOST_IN_WINDOW and 1 <= limit.window_hours <= LONGEST_WINDOW_HOURS):
        raise InvalidInput(errors=[FieldError(f"/{kind}", "out_of_range", "At least one, within a year.")])
    values = {"most": limit.most, "window_hours": limit.window_hours}
    row, _created = VelocityLimit.objects.update_or_create(kind=kind, defaults=values)
    audit.record(action="velocity_limit.saved", target=row, by=by, at=at, diff=_diff(values))
    found: VelocityLimit = row
    return found


def drop_limit(*, kind: VelocityKind, by: Actor, at: datetime) -> None:
    """Let the usual limit hold again, after a revision that no longer names this one."""
    for row in VelocityLimit.objects.filter(kind=kind):
        diff = {"most": [row.most, None], "window_hours": [row.window_hours, None]}
        audit.record(action="velocity_limit.saved", target=row, by=by, at=at, diff=diff)
        row.delete()


def _diff(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [None, value] for name, value in values.items()}


def is_too_fast(kind: VelocityKind, *, customer_id: int, at: datetime) -> bool:
    """Whether the customer has had as many in the window before ``at`` as the limit allows.

    Locks the customer's pace of this kind until the transaction ends: whoever asks next sees what this one
    has done. Ask in the transaction that does it.
    """
    lock_pace(f"{kind.value}:{customer_id}")
    limit = limits()[kind]
    since = max(at - timedelta(hours=limit.window_hours), _forgiven_at(kind, customer_id))
    count = {
        VelocityKind.REDEMPTIONS: Redemption.objects.filter(customer=customer_id, reserved_at__gt=since),
        VelocityKind.REFUNDS: Redemption.objects.filter(customer=customer_id, refunded_at__gt=since),
        VelocityKind.REFERRALS: Referral.objects.filter(referrer=customer_id, created_at__gt=since),
        VelocityKind.COUPONS: CouponRedemption.objects.filter(customer=customer_id, reserved_at__gt=since),
    }[kind].count()
    return count >= limit.most


def _forgiven_at(kind: VelocityKind, customer_id: int) -> datetime:
    """Return from when on a customer counts: where nothing waits, an approval lets them begin anew."""
    if kind is not VelocityKind.COUPONS:
        return _LONG_AGO
    approved = AbuseReview.objects.filter(kind=kind, customer=customer_id, state=ReviewState.APPROVED)
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

"""What staff do when a sample day is over: hand over, answer the unhappy, decide what waits.

Something of everything is left to do when the new user looks.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Final

from django.db import transaction
from django.utils.translation import gettext

from crm.models import RecoveryCase, RecoveryOutcome, RecoveryState
from crm.services import recovery_cases
from rewards.domain.presets.definition import WALLET
from rewards.domain.presets.definition import gettext_noop as _
from rewards.models import (
    AbuseReview,
    AdjustmentRequest,
    AdjustmentState,
    Redemption,
    RedemptionState,
    ReviewState,
)
from rewards.services import fulfilments, points, reviews
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import DomainError

_HANDED_OVER_AFTER: Final = timedelta(days=2)
_ANSWERED_AFTER: Final = timedelta(days=2)
_DECIDED_AFTER: Final = timedelta(days=4)
# Of the unhappy: who is answered, who is only taken up, and who still waits; of the answered, who gets more
# than one person may give alone.
_ANSWERED_SHARE, _TAKEN_SHARE, _GENEROUS_SHARE = 0.7, 0.85, 0.5
_GENEROUS: Final = 4
_UNDECIDED_SHARE, _REJECTED_UNTIL = 0.4, 0.6
_NOTES: Final = {
    RecoveryOutcome.WON_BACK: _("Apologised on the phone; the customer stays."),
    RecoveryOutcome.ANSWERED: _("Explained what happened and what we have changed."),
    RecoveryOutcome.NO_REPLY: _("Wrote twice, no answer."),
    RecoveryOutcome.NOT_NEEDED: _("A misunderstanding, cleared up."),
}
_OUTCOMES: Final = (
    *([RecoveryOutcome.WON_BACK] * 3), *([RecoveryOutcome.ANSWERED] * 2), RecoveryOutcome.NO_REPLY,
    RecoveryOutcome.NOT_NEEDED,
)  # fmt: skip
GOODWILL: Final = _("Goodwill after a complaint")
_APPROVED: Final = _("Looked at it, nothing suspicious.")
_REJECTED: Final = _("Not as our terms have it.")


def _chance(name: object) -> Random:
    """Return a source of chance that says the same whenever it is asked about the same."""
    return Random(f"staff:{name}")  # noqa: S311 - play, not secrecy


def hand_over(*, by: Actor, at: datetime) -> None:
    """Hand over, or pack, ship and deliver, what has waited long enough."""
    waiting = Redemption.objects.filter(
        state=RedemptionState.CONFIRMED, confirmed_at__lte=at - _HANDED_OVER_AFTER
    )
    for row in waiting.select_related("reward").order_by("pk"):
        if row.reward.needs_shipping:
            fulfilments.pack(redemption=row, by=by, at=at)
            fulfilments.ship(redemption=row, tracking=f"S-{row.pk:06d}", by=by, at=at)
            fulfilments.deliver(redemption=row, by=by, at=at)
        else:
            fulfilments.fulfil(redemption=row, by=by, at=at)


def win_back(*, goodwill: int, by: Actor, at: datetime) -> None:
    """Answer most complaints that have waited long enough; some get points for their trouble."""
    waiting = RecoveryCase.objects.filter(
        state=RecoveryState.OPEN,
        opened_at__gt=at - 2 * _ANSWERED_AFTER,
        opened_at__lte=at - _ANSWERED_AFTER,
    )
    for case in waiting.select_related("feedback__customer").order_by("pk"):
        chance = _chance(case.feedback.source_id)
        share = chance.random()
        if share < _ANSWERED_SHARE:
            _answer(case, chance, goodwill, by=by, at=at)
        elif share < _TAKEN_SHARE:
            recovery_cases.take(case=case, by=by, at=at)


def _answer(case: RecoveryCase, chance: Random, goodwill: int, *, by: Actor, at: datetime) -> None:
    outcome = chance.choice(_OUTCOMES)
    recovery_cases.resolve(case=case, outcome=outcome, note=gettext(_NOTES[outcome]), by=by, at=at)
    customer = case.feedback.customer
    if outcome != RecoveryOutcome.WON_BACK or customer is None:
        return
    given = {
        "customer": customer,
        "reason": gettext(GOODWILL),
        "wallet_key": WALLET,
        "idempotency_key": f"sample-{case.feedback.source_id}",
        "at": at,
    }
    if chance.random() < _GENEROUS_SHARE:
        # Asked for by somebody else: nobody approves a request of their own.
        points.request(points=_GENEROUS * goodwill, by=SYSTEM, **given)
    else:
        points.adjust(points=goodwill, by=by, **given)


def decide(*, by: Actor, at: datetime) -> None:
    """Decide most of what has waited for a second look long enough."""
    since, until = at - 2 * _DECIDED_AFTER, at - _DECIDED_AFTER
    requests = AdjustmentRequest.objects.filter(
        state=AdjustmentState.REQUESTED, requested_at__gt=since, requested_at__lte=until
    )
    for request in requests.exclude(requested_ref=by.ref).order_by("pk"):
        if _chance(request.key).random() > _UNDECIDED_SHARE:
            points.approve(request=request, by=by, at=at)
    waiting = AbuseReview.objects.filter(state=ReviewState.OPEN, opened_at__gt=since, opened_at__lte=until)
    for review in waiting.select_related("customer").order_by("pk"):
        share = _chance(review.customer and review.customer.external_id).random()
        if share < _UNDECIDED_SHARE:
            continue
        is_approved = share > _REJECTED_UNTIL
        reason = gettext(_APPROVED if is_approved else _REJECTED)
        with suppress(DomainError), transaction.atomic():
            reviews.decide(review=review, is_approved=is_approved, reason=reason, by=by, at=at)

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
_DAY: Final = timedelta(days=1)
_TAKEN_AFTER: Final = _DAY
_FIRST_ANSWER, _LAST_ANSWER = 2, 14
_DECIDED_AFTER: Final = timedelta(days=4)
# What waits at the end is not older.
_RECENT: Final = timedelta(days=30)
_TAKEN_SHARE, _GENEROUS_SHARE, _REJECTED_SHARE, _UNDECIDED_SHARE = 0.5, 0.5, 0.25, 0.6
# More than one person may give alone.
_GENEROUS: Final = 4
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
    """Take up complaints after a day and answer them days later; some get points for their trouble."""
    waiting = RecoveryCase.objects.filter(
        state__in=[RecoveryState.OPEN, RecoveryState.IN_PROGRESS], opened_at__lte=at - _TAKEN_AFTER
    )
    for case in waiting.select_related("feedback__customer").order_by("pk"):
        chance = _chance(case.feedback.source_id)
        if case.opened_at <= at - chance.randint(_FIRST_ANSWER, _LAST_ANSWER) * _DAY:
            _answer(case, chance, goodwill, by=by, at=at)
        elif case.state == RecoveryState.OPEN and chance.random() < _TAKEN_SHARE:
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


def decide(*, by: Actor, at: datetime, ends_at: datetime) -> None:
    """Decide what has waited for a second look long enough; of what is recent when all ends, only a part.

    The newest review waits for the next one: where few are opened, one is left all the same.
    """
    requests = AdjustmentRequest.objects.filter(
        state=AdjustmentState.REQUESTED, requested_at__lte=at - _DECIDED_AFTER
    )
    for request in requests.exclude(requested_ref=by.ref).order_by("pk"):
        if not _is_left(request.key, request.requested_at, ends_at):
            points.approve(request=request, by=by, at=at)
    newest = AbuseReview.objects.order_by("-pk").values("pk")[:1]
    waiting = AbuseReview.objects.filter(state=ReviewState.OPEN, opened_at__lte=at - _DECIDED_AFTER)
    for review in waiting.exclude(pk__in=newest).select_related("customer").order_by("pk"):
        name = review.customer and review.customer.external_id
        if _is_left(name, review.opened_at, ends_at):
            continue
        is_approved = _chance(name).random() > _REJECTED_SHARE
        reason = gettext(_APPROVED if is_approved else _REJECTED)
        with suppress(DomainError), transaction.atomic():
            reviews.decide(review=review, is_approved=is_approved, reason=reason, by=by, at=at)


def _is_left(name: object, since: datetime, ends_at: datetime) -> bool:
    return since > ends_at - _RECENT and _chance(f"left:{name}").random() < _UNDECIDED_SHARE

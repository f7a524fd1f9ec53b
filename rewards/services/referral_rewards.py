"""What a referral pays to both sides, and taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crm.services import customer_touches
from rewards.models import (
    LedgerTransaction,
    Referral,
    ReferralProgram,
    ReferralRewardKind,
    ReferralState,
    TransactionKind,
    Wallet,
)
from rewards.services import ledger
from rewards.services.coupons import issuing
from rewards.services.ledger import Source
from tenants.domain.actors import Actor

SOURCE: Final = "referral"
_TAKEN_BACK: Final = "referral_taken_back"


@dataclass(frozen=True, slots=True)
class Payment:
    """One side's reward; ``side`` makes its source unique for ever."""

    side: str
    customer_id: int
    points: int = 0
    coupon: str = ""


def pay(referral: Referral, program: ReferralProgram, *, by: Actor, at: datetime) -> None:
    """Reward both sides, and the referrer's own referrers where the program has further levels."""
    wallet = Wallet.objects.filter(key=program.wallet_key).first()
    for payment in _payments(referral, program):
        source = Source(SOURCE, f"{referral.public_id}:{payment.side}")
        if payment.coupon:
            issuing.issue(
                customer_id=payment.customer_id, definition_key=payment.coupon, source=source, by=by, at=at
            )
        elif payment.points and wallet is not None:
            ledger.post(
                customer_id=payment.customer_id,
                wallet_id=wallet.pk,
                kind=TransactionKind.EARN,
                points=payment.points,
                source=source,
                occurred_at=at,
                reason="referral",
                by=by,
                at=at,
            )
            customer_touches.add([payment.customer_id], is_history=False)


def _payments(referral: Referral, program: ReferralProgram) -> Iterator[Payment]:
    yield _side("referrer", referral.referrer_id, program)
    yield _side("referee", referral.referee_id, program)
    above = referral.referrer_id
    for level, points in enumerate(program.upper_points, start=2):
        upper = Referral.objects.filter(referee=above, state=ReferralState.REWARDED).first()
        if upper is None:
            return
        above = upper.referrer_id
        yield Payment(f"level-{level}", above, points)


def _side(side: str, customer_id: int, program: ReferralProgram) -> Payment:
    kind = getattr(program, f"{side}_kind")
    return Payment(
        side,
        customer_id,
        points=getattr(program, f"{side}_points") if kind == ReferralRewardKind.POINTS else 0,
        coupon=getattr(program, f"{side}_coupon") if kind == ReferralRewardKind.COUPON else "",
    )


def take_back(referral: Referral, *, by: Actor, at: datetime) -> None:
    """Reverse the points and give unused coupons back; what was spent already is the ledger's to decide."""
    paid = LedgerTransaction.objects.filter(
        source_type=SOURCE, source_id__startswith=f"{referral.public_id}:"
    )
    for transaction in paid.select_related("account").order_by("pk"):
        source = Source(_TAKEN_BACK, transaction.source_id)
        ledger.reverse(transaction=transaction, source=source, by=by, at=at, reason="returned")
        customer_touches.add([transaction.account.customer_id], is_history=False)
    for side in ("referrer", "referee"):
        code = issuing.of_source(Source(SOURCE, f"{referral.public_id}:{side}"))
        if code is not None:
            issuing.give_back(code=code, at=at)

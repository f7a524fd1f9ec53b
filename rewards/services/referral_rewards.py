"""What a referral pays to both sides, and taking it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final, Self
from uuid import UUID

import structlog
from django.db import transaction

from crm.queries import survivors
from crm.services import customer_touches
from rewards.domain.wallets import WalletPolicy
from rewards.models import (
    LedgerTransaction,
    Referral,
    ReferralProgram,
    ReferralRewardKind,
    ReferralState,
    TransactionKind,
    Wallet,
)
from rewards.queries import credit_terms
from rewards.services import expiries, hand_limits, ledger
from rewards.services.coupons import issuing
from rewards.services.ledger import Source
from tenants.domain.actors import Actor
from tenants.errors import DomainError
from tenants.scope import active_tenant

SOURCE: Final = "referral"
_TAKEN_BACK: Final = "referral_taken_back"
_EARNED: Final = (ReferralState.QUALIFIED, ReferralState.REWARDED)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Payment:
    """One side's reward; the referral and the ``side`` make its source unique for ever."""

    referral: UUID
    side: str
    customer_id: int
    points: int = 0
    coupon: str = ""


def pay(payments: Iterable[Payment], program: ReferralProgram, *, by: Actor, at: datetime) -> dict[UUID, str]:
    """Pay what referrals owe, customer by customer: batches side by side lock accounts in one order.

    Returns why, by referral, for those that could not be paid in full; paying again gives only the rest.
    """
    purse = _Purse.of(program, by=by, at=at)
    refused: dict[UUID, str] = {}
    for payment in sorted(
        payments, key=lambda payment: (payment.customer_id, payment.referral, payment.side)
    ):
        try:
            with transaction.atomic():
                purse.pay(payment)
        except DomainError as error:
            refused[payment.referral] = error.code
            log.warning("referral.unpaid", referral=str(payment.referral), side=payment.side, code=error.code)
    return refused


@dataclass(frozen=True, slots=True)
class _Purse:
    """What payments of one program are made from."""

    wallet: Wallet | None
    policy: WalletPolicy | None
    zone: tzinfo
    by: Actor
    at: datetime

    @classmethod
    def of(cls, program: ReferralProgram, *, by: Actor, at: datetime) -> Self:
        wallet = Wallet.objects.filter(key=program.wallet_key).first()
        return cls(wallet, hand_limits.policy_of(program.wallet_key), active_tenant().zone, by, at)

    def pay(self, payment: Payment) -> None:
        source = Source(SOURCE, f"{payment.referral}:{payment.side}")
        if payment.coupon:
            issuing.issue(
                customer_id=payment.customer_id, definition_key=payment.coupon, source=source, by=self.by,
                at=self.at,
            )  # fmt: skip
        elif payment.points and self.wallet is not None:
            self._credit(payment, source, self.wallet.pk)

    def _credit(self, payment: Payment, source: Source, wallet_id: int) -> None:
        terms = credit_terms.of_one(
            self.policy, zone=self.zone, customer_id=payment.customer_id, earned_at=self.at
        )
        ledger.post(
            customer_id=payment.customer_id,
            wallet_id=wallet_id,
            kind=TransactionKind.EARN,
            points=payment.points,
            source=source,
            occurred_at=self.at,
            **terms._asdict(),
            reason="referral",
            by=self.by,
            at=self.at,
        )
        if self.policy:
            moments = [(payment.customer_id, self.at)]
            expiries.touch(wallet_id=wallet_id, policy=self.policy, zone=self.zone, moments=moments)
        customer_touches.add([payment.customer_id], is_history=False)


def payments_of(referral: Referral, program: ReferralProgram) -> list[Payment]:
    """Return both sides' rewards, and those of the referrer's own referrers on the program's further levels.

    A record that was merged is paid as who it is now.
    """
    found = [
        _side(referral, "referrer", referral.referrer_id, program),
        _side(referral, "referee", referral.referee_id, program),
    ]
    above = referral.referrer_id
    for level, points in enumerate(program.upper_points, start=2):
        upper = Referral.objects.filter(referee=above, state__in=_EARNED).first()
        if upper is None:
            break
        above = upper.referrer_id
        found.append(Payment(referral.public_id, f"level-{level}", heir_of(above), points))
    return found


def heir_of(customer_id: int) -> int:
    """Return who a customer is after merges."""
    survivor = survivors.survivor_of(customer_id)
    return survivor.pk if survivor is not None else customer_id


def _side(referral: Referral, side: str, customer_id: int, program: ReferralProgram) -> Payment:
    kind = getattr(program, f"{side}_kind")
    return Payment(
        referral.public_id,
        side,
        heir_of(customer_id),
        points=getattr(program, f"{side}_points") if kind == ReferralRewardKind.POINTS else 0,
        coupon=getattr(program, f"{side}_coupon") if kind == ReferralRewardKind.COUPON else "",
    )


def take_back(referral: Referral, *, by: Actor, at: datetime) -> None:
    """Reverse the points and give unused coupons back; what was spent already is the ledger's to decide."""
    paid = LedgerTransaction.objects.filter(
        source_type=SOURCE, source_id__startswith=f"{referral.public_id}:"
    )
    for posted in paid.select_related("account").order_by("pk"):
        source = Source(_TAKEN_BACK, posted.source_id)
        ledger.reverse(transaction=posted, source=source, by=by, at=at, reason="returned")
        customer_touches.add([posted.account.customer_id], is_history=False)
    for side in ("referrer", "referee"):
        code = issuing.of_source(Source(SOURCE, f"{referral.public_id}:{side}"))
        if code is not None:
            issuing.give_back(code=code, at=at)

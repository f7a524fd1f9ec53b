"""Referrals: a friend noted with a member's code and checked for fraud; approved or rejected by staff."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from crm.models import Customer, CustomerState, Order
from rewards.domain.policies import Pace
from rewards.domain.referrals import Finding, is_rejected, needs_review
from rewards.models import Referral, ReferralProgram, ReferralQualification, ReferralState, VelocityKind
from rewards.queries import referral_checks
from rewards.services import referral_rewards, velocity
from rewards.services.referral_codes import owner_of
from rewards.services.referral_qualifications import reward
from rewards.services.referral_states import (
    AlreadyReferred,
    NoReferralProgram,
    NotNewCustomer,
    WrongReferralState,
    end,
    is_one_person,
    locked,
    move,
    record,
)
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput


@transaction.atomic
def register(*, code: str, referee: Customer, by: Actor, at: datetime) -> Referral:
    """Note that ``referee`` came with a member's code; the fraud checks decide where it starts.

    The same person under another name is rejected; a shared device or address, or a member who brings
    too many at once, waits for a review. Registering the same pair again finds the first referral. Raises
    ``InvalidInput``, ``NoReferralProgram``, ``AlreadyReferred`` and ``NotNewCustomer``.
    """
    program = ReferralProgram.objects.filter(is_active=True).first()
    if program is None:
        raise NoReferralProgram
    referrer = owner_of(code)
    earlier = Referral.objects.filter(referee=referee).first()
    if earlier is not None:
        if earlier.referrer_id != referrer.pk:
            raise AlreadyReferred
        return earlier
    if referee.state != CustomerState.ACTIVE:
        raise InvalidInput(errors=[FieldError("/customer", "not_active", f"They are {referee.state}.")])
    if referrer.pk == referee.pk:
        raise InvalidInput(errors=[FieldError("/code", "self_referral", "Nobody brings oneself.")])
    if referral_checks.has_brought(referee.pk, referrer.pk):
        raise InvalidInput(
            errors=[FieldError("/code", "circular_referral", "Who was brought brings nobody back.")]
        )
    if program.qualification == ReferralQualification.FIRST_ORDER and _has_ordered(referee):
        raise NotNewCustomer
    referral, is_new = _noted(referrer, referee, program, at)
    if not is_new:
        return referral
    if referral.state == ReferralState.IN_REVIEW:
        velocity.open_review(
            kind=VelocityKind.REFERRALS,
            customer_id=referrer.pk,
            subject=str(referral.public_id),
            details={"findings": referral.findings, "referee": str(referee.public_id)},
            at=at,
        )
    record(referral, None, by=by, at=at)
    return referral


@transaction.atomic
def approve(*, referral: Referral, by: Actor, at: datetime) -> Referral:
    """Let a referral in review go on; one that qualified meanwhile is rewarded. ``WrongReferralState``.

    Where the two records were merged in between it is rejected: nobody brings oneself.
    """
    program = ReferralProgram.objects.first()
    (row,) = locked([referral.pk], program)
    if row.state != ReferralState.IN_REVIEW:
        raise WrongReferralState(f"The referral is {row.state}.", state=row.state)
    if is_one_person(row):
        return end(row, "same_identity", by=by, at=at)
    if row.qualified_at is None:
        return move(row, ReferralState.PENDING, by=by, at=at)
    move(row, ReferralState.QUALIFIED, by=by, at=at)
    if program is not None:
        reward([row], program, by=by, at=at)
    return row


@transaction.atomic
def reject(*, referral: Referral, reason: str, by: Actor, at: datetime) -> Referral:
    """End a referral, at whatever state it is; rewards that were given are taken back.

    Raises ``InvalidInput`` without a reason, and ``WrongReferralState`` when it has ended already.
    """
    if not reason.strip():
        raise InvalidInput(errors=[FieldError("/reason", "required", "Say why.")])
    (row,) = locked([referral.pk], ReferralProgram.objects.first())
    if row.state == ReferralState.REJECTED:
        raise WrongReferralState("The referral is rejected already.", state=row.state)
    if row.state in {ReferralState.QUALIFIED, ReferralState.REWARDED}:
        referral_rewards.take_back(row, by=by, at=at)
    return end(row, reason.strip(), by=by, at=at)


def _noted(
    referrer: Customer, referee: Customer, program: ReferralProgram, at: datetime
) -> tuple[Referral, bool]:
    """Return the new customer's referral and whether it is new: who came a moment earlier counts."""
    findings = _findings(referrer, referee, at)
    terms = {
        "referrer": referrer,
        "state": _first_state(findings),
        "findings": [finding.value for finding in findings],
        "created_at": at,
        "ends_at": at + timedelta(days=program.within_days),
        "rejected_at": at if is_rejected(findings) else None,
        "reason": "same_identity" if is_rejected(findings) else "",
    }
    referral, is_new = Referral.objects.get_or_create(referee=referee, defaults=terms)
    if referral.referrer_id != referrer.pk:
        raise AlreadyReferred
    return referral, is_new


def _has_ordered(customer: Customer) -> bool:
    return Order.objects.filter(customer=customer).exists()


def _findings(referrer: Customer, referee: Customer, at: datetime) -> list[Finding]:
    found = referral_checks.findings(referrer, referee)
    if velocity.exceeded(Pace.REFERRALS, customer_id=referrer.pk, at=at):
        found.append(Finding.VELOCITY)
    return found


def _first_state(findings: Collection[Finding]) -> ReferralState:
    if is_rejected(findings):
        return ReferralState.REJECTED
    return ReferralState.IN_REVIEW if needs_review(findings) else ReferralState.PENDING

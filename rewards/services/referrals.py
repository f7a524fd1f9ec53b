"""Referrals: a member's code, fraud checks, qualification, both sides' rewards, and taking them back."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction

from crm.models import Customer, CustomerState, Order
from crm.queries import survivors
from rewards.domain.coupon_codes import Pattern, normalised
from rewards.domain.referrals import Finding, is_rejected, needs_review
from rewards.locks import keep_from_merges, lock_referral, lock_referrals
from rewards.models import (
    Referral,
    ReferralCode,
    ReferralProgram,
    ReferralQualification,
    ReferralState,
    VelocityKind,
)
from rewards.queries import referral_checks
from rewards.services import referral_rewards, velocity
from rewards.services.referral_rewards import Payment
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import Conflict, FieldError, InvalidInput, NotFound
from tenants.services import audit, outbox

_PATTERN: Final = Pattern("####-####")
_ATTEMPTS: Final = 5


class NoReferralProgram(Conflict):
    """The tenant has no referral program, or it is switched off."""

    code = "no_referral_program"
    title = "There is no referral program"


class AlreadyReferred(Conflict):
    """A customer is brought by one other, once."""

    code = "already_referred"
    title = "The customer was referred already"


class NotNewCustomer(Conflict):
    """Who has ordered already is not brought by anybody."""

    code = "not_new_customer"
    title = "The customer has ordered before"


class WrongReferralState(Conflict):
    """The referral is not in a state that allows this; carries ``state``."""

    code = "referral_state"
    title = "The referral's state does not allow this"


def code_of(*, customer: Customer, at: datetime) -> ReferralCode:
    """Return the member's code, made on the first call."""
    for text in _PATTERN.codes(_ATTEMPTS, secrets.token_bytes):
        try:
            with transaction.atomic():
                code, _created = ReferralCode.objects.get_or_create(
                    customer=customer, defaults={"code": text, "created_at": at}
                )
        except IntegrityError:
            continue
        found: ReferralCode = code
        return found
    raise Conflict("No free referral code was found.")


def code_for_member(*, customer: Customer, at: datetime) -> str | None:
    """Return the code to show a member; ``None`` while the tenant has no active referral program."""
    if not ReferralProgram.objects.filter(is_active=True).exists():
        return None
    return code_of(customer=customer, at=at).code


@transaction.atomic
def register(*, code: str, referee: Customer, by: Actor, at: datetime) -> Referral:
    """Note that ``referee`` came with a member's code; the fraud checks decide where it starts.

    The same person under another name is rejected; a shared device or address, or a member who brings
    too many at once, waits for a review. Registering the same pair again finds the first referral. Raises
    ``NotFound``, ``NoReferralProgram``, ``AlreadyReferred`` and ``NotNewCustomer``.
    """
    program = ReferralProgram.objects.filter(is_active=True).first()
    if program is None:
        raise NoReferralProgram
    referrer = _owner_of(code)
    earlier = Referral.objects.filter(referee=referee).first()
    if earlier is not None:
        if earlier.referrer_id != referrer.pk:
            raise AlreadyReferred
        return earlier
    if referrer.pk == referee.pk:
        raise InvalidInput(errors=[FieldError("/code", "self_referral", "Nobody brings oneself.")])
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
    _record(referral, None, by=by, at=at)
    return referral


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


def _owner_of(code: str) -> Customer:
    """Return whose code it is; that of a merged record still brings friends to its survivor."""
    row = ReferralCode.objects.filter(code=normalised(code)).first()
    owner = survivors.survivor_of(row.customer_id) if row is not None else None
    if owner is None or owner.state != CustomerState.ACTIVE:
        raise NotFound("There is no such referral code.")
    return owner


def _has_ordered(customer: Customer) -> bool:
    return Order.objects.filter(customer=customer).exists()


def _findings(referrer: Customer, referee: Customer, at: datetime) -> list[Finding]:
    found = referral_checks.findings(referrer, referee)
    if velocity.is_too_fast(VelocityKind.REFERRALS, customer_id=referrer.pk, at=at):
        found.append(Finding.VELOCITY)
    return found


def _first_state(findings: Collection[Finding]) -> ReferralState:
    if is_rejected(findings):
        return ReferralState.REJECTED
    return ReferralState.IN_REVIEW if needs_review(findings) else ReferralState.PENDING


@transaction.atomic
def qualify_by_orders(order_ids: Collection[int], *, by: Actor, at: datetime) -> int:
    """Qualify and reward the referrals whose new customer placed a first order that is large enough.

    Safe to repeat: an order is looked at once, and each reward has a source of its own for ever.
    """
    program = ReferralProgram.objects.filter(is_active=True).first()
    if program is None or program.qualification != ReferralQualification.FIRST_ORDER:
        return 0
    found = referral_checks.qualifying_orders(order_ids, program.minimum_order_minor)
    done = [(referral_id, order.placed_at, order) for referral_id, order in found]
    return _qualify_all(done, program, by=by, at=at)


@transaction.atomic
def qualify_by_events(
    *,
    message_ids: Collection[str],
    first_at: datetime | str,
    last_at: datetime | str,
    by: Actor,
    at: datetime,
) -> int:
    """Qualify and reward the referrals whose new customer did what the program asks for."""
    program = ReferralProgram.objects.filter(is_active=True).first()
    if program is None or program.qualification != ReferralQualification.EVENT:
        return 0
    done = referral_checks.qualifying_events(
        message_ids=message_ids, first_at=first_at, last_at=last_at, name=program.event_name
    )
    return _qualify_all([(pk, happened_at, None) for pk, happened_at in done], program, by=by, at=at)


def _qualify_all(
    done: Sequence[tuple[int, datetime, Order | None]], program: ReferralProgram, *, by: Actor, at: datetime
) -> int:
    """Qualify what (referral, moment, order) tell in turn, and pay them all; returns how many."""
    rows = {row.pk: row for row in _locked([pk for pk, _moment, _order in done], program)}
    payments: list[Payment] = []
    count = 0
    for referral_id, happened_at, order in done:
        row = rows[referral_id]
        if _qualify(row, happened_at, order, by=by, at=at):
            payments += _rewarded(row, program, by=by, at=at)
            count += 1
    referral_rewards.pay(payments, program, by=by, at=at)
    return count


def _locked(referral_ids: Collection[int], program: ReferralProgram | None) -> list[Referral]:
    """Lock referrals once none of their customers can be merged any more; a merge may move them meanwhile."""
    levels = len(program.upper_points) if program else 0
    kept: set[int] = set()
    while not (customers := referral_checks.parties(referral_ids, levels)) <= kept:
        keep_from_merges(customers)
        kept |= customers
    return lock_referrals(referral_ids)


def _qualify(row: Referral, happened_at: datetime, order: Order | None, *, by: Actor, at: datetime) -> bool:
    if row.qualified_at is not None or row.state not in {ReferralState.PENDING, ReferralState.IN_REVIEW}:
        return False
    if not row.created_at <= happened_at < row.ends_at:
        return False
    if _is_one_person(row):
        _reject(row, "same_identity", by=by, at=at)
        return False
    row.qualified_at, row.qualifying_order = happened_at, order
    if row.state == ReferralState.IN_REVIEW:
        # What it was is kept; whoever approves it pays it.
        row.save()
        return False
    _move(row, ReferralState.QUALIFIED, by=by, at=at)
    return True


def _is_one_person(row: Referral) -> bool:
    """Whether the two records were merged since."""
    return referral_rewards.heir_of(row.referrer_id) == referral_rewards.heir_of(row.referee_id)


def _rewarded(row: Referral, program: ReferralProgram, *, by: Actor, at: datetime) -> list[Payment]:
    """Move the referral to rewarded and return what that owes."""
    payments = referral_rewards.payments_of(row, program)
    row.rewarded_at = at
    _move(row, ReferralState.REWARDED, by=by, at=at)
    return payments


@transaction.atomic
def take_back_returns(return_ids: Collection[int], *, by: Actor, at: datetime) -> int:
    """Take rewards back when what is left of the qualifying order is less than the program asks for."""
    program = ReferralProgram.objects.first()
    minimum = program.minimum_order_minor if program else 0
    count = 0
    for row in _locked(referral_checks.fallen_short(return_ids, max(1, minimum)), program):
        if row.state == ReferralState.REWARDED:
            referral_rewards.take_back(row, by=by, at=at)
        elif row.state != ReferralState.IN_REVIEW:
            continue
        _reject(row, "returned", by=by, at=at)
        count += 1
    return count


@transaction.atomic
def approve(*, referral: Referral, by: Actor, at: datetime) -> Referral:
    """Let a referral in review go on; one that qualified meanwhile is rewarded. ``WrongReferralState``.

    Where the two records were merged in between it is rejected: nobody brings oneself.
    """
    program = ReferralProgram.objects.first()
    (row,) = _locked([referral.pk], program)
    if row.state != ReferralState.IN_REVIEW:
        raise WrongReferralState(f"The referral is {row.state}.", state=row.state)
    if _is_one_person(row):
        return _reject(row, "same_identity", by=by, at=at)
    if row.qualified_at is None:
        return _move(row, ReferralState.PENDING, by=by, at=at)
    _move(row, ReferralState.QUALIFIED, by=by, at=at)
    if program is not None:
        referral_rewards.pay(_rewarded(row, program, by=by, at=at), program, by=by, at=at)
    return row


@transaction.atomic
def reject(*, referral: Referral, reason: str, by: Actor, at: datetime) -> Referral:
    """End a referral without reward. Raises ``WrongReferralState`` when it has ended already."""
    row = lock_referral(referral.pk)
    if row.state == ReferralState.REJECTED:
        raise WrongReferralState("The referral is rejected already.", state=row.state)
    return _reject(row, reason, by=by, at=at)


def _reject(row: Referral, reason: str, *, by: Actor, at: datetime) -> Referral:
    row.rejected_at, row.reason = at, reason[:300]
    return _move(row, ReferralState.REJECTED, by=by, at=at)


def _move(row: Referral, state: ReferralState, *, by: Actor, at: datetime) -> Referral:
    before, row.state = row.state, state
    row.save()
    _record(row, before, by=by, at=at)
    return row


def _record(row: Referral, before: str | None, *, by: Actor, at: datetime) -> None:
    diff: dict[str, Any] = {"state": [before, row.state], "findings": [None, row.findings]}
    audit.record(action=f"referral.{row.state}", target=row, by=by or SYSTEM, at=at, diff=diff)
    outbox.publish(topic=f"rewards.referral_{row.state}", payload={"referral_id": row.pk}, at=at)

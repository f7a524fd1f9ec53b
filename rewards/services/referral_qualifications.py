"""What makes a referral count: the new customer's order or event; and the return that undoes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from crm.models import Order
from rewards.models import Referral, ReferralProgram, ReferralQualification, ReferralState
from rewards.queries import referral_checks
from rewards.services import referral_rewards
from rewards.services.referral_states import end, is_one_person, locked, move
from tenants.domain.actors import Actor

_SWEEP: Final = 500


@transaction.atomic
def by_orders(order_ids: Collection[int], *, by: Actor, at: datetime) -> int:
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
def by_events(
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
    rows = {row.pk: row for row in locked([pk for pk, _moment, _order in done], program)}
    qualified = [
        rows[referral_id]
        for referral_id, happened_at, order in done
        if _qualify(rows[referral_id], happened_at, order, by=by, at=at)
    ]
    reward(qualified, program, by=by, at=at)
    return len(qualified)


def _qualify(row: Referral, happened_at: datetime, order: Order | None, *, by: Actor, at: datetime) -> bool:
    if row.qualified_at is not None or row.state not in {ReferralState.PENDING, ReferralState.IN_REVIEW}:
        return False
    if not row.created_at <= happened_at < row.ends_at:
        return False
    if is_one_person(row):
        end(row, "same_identity", by=by, at=at)
        return False
    row.qualified_at, row.qualifying_order = happened_at, order
    if row.state == ReferralState.IN_REVIEW:
        # What it was is kept; whoever approves it pays it.
        row.save()
        return False
    move(row, ReferralState.QUALIFIED, by=by, at=at)
    return True


def reward(rows: Sequence[Referral], program: ReferralProgram, *, by: Actor, at: datetime) -> int:
    """Pay what locked, qualified referrals owe; returns how many are rewarded.

    One whose coupon is gone or whose account is frozen stays qualified with the reason, and is paid later:
    it holds up nobody else.
    """
    payments = [payment for row in rows for payment in referral_rewards.payments_of(row, program)]
    refused = referral_rewards.pay(payments, program, by=by, at=at)
    paid = [row for row in rows if row.public_id not in refused]
    for row in paid:
        row.rewarded_at, row.reason = at, ""
        move(row, ReferralState.REWARDED, by=by, at=at)
    for row in rows:
        if (reason := refused.get(row.public_id, row.reason)) != row.reason:
            row.reason = reason
            row.save(update_fields=["reason"])
    return len(paid)


@transaction.atomic
def reward_owed(*, by: Actor, at: datetime) -> int:
    """Try again to pay the referrals that could not be paid when they qualified; returns how many were."""
    program = ReferralProgram.objects.filter(is_active=True).first()
    if program is None:
        return 0
    owed = Referral.objects.filter(state=ReferralState.QUALIFIED).order_by("pk")
    rows = locked(list(owed.values_list("pk", flat=True)[:_SWEEP]), program)
    return reward([row for row in rows if row.state == ReferralState.QUALIFIED], program, by=by, at=at)


@transaction.atomic
def take_back_returns(return_ids: Collection[int], *, by: Actor, at: datetime) -> int:
    """Take rewards back when what is left of the qualifying order is less than the program asks for."""
    program = ReferralProgram.objects.first()
    minimum = program.minimum_order_minor if program else 0
    count = 0
    for row in locked(referral_checks.fallen_short(return_ids, max(1, minimum)), program):
        if row.state in {ReferralState.REWARDED, ReferralState.QUALIFIED}:
            referral_rewards.take_back(row, by=by, at=at)
        elif row.state != ReferralState.IN_REVIEW:
            continue
        end(row, "returned", by=by, at=at)
        count += 1
    return count

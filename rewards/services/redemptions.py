"""Redemptions: RESERVED -> CONFIRMED -> FULFILLED, or CANCELLED with the points back in their lots."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from crm.models import Customer, CustomerState
from rewards.domain.sources import customer_key
from rewards.locks import lock_redemption
from rewards.models import Redemption, RedemptionState, Reward, TransactionKind
from rewards.services import holds, ledger
from rewards.services.errors import SourceReused
from rewards.services.ledger import Source
from tenants.domain.actors import Actor
from tenants.errors import Conflict
from tenants.models.base import new_public_id
from tenants.services import audit, outbox

RESERVATION = timedelta(minutes=30)
SOURCE = "redemption"
_SWEEP = 500


class RewardUnavailable(Conflict):
    code = "reward_unavailable"
    title = "The reward is not offered"


class OutOfStock(Conflict):
    code = "out_of_stock"
    title = "The reward is out of stock"


class CustomerNotActive(Conflict):
    """Suspended, merged and anonymised customers redeem nothing; carries ``state``."""

    code = "customer_not_active"
    title = "The customer is not active"


class WrongState(Conflict):
    """The redemption is not in a state that allows this; carries ``state``."""

    code = "redemption_state"
    title = "The redemption's state does not allow this"


@transaction.atomic
def reserve(
    *, customer: Customer, reward: Reward, by: Actor, at: datetime, idempotency_key: str = ""
) -> Redemption:
    """Hold the points and take one from stock. A repeated ``idempotency_key`` finds the first redemption.

    Raises ``CustomerNotActive``, ``RewardUnavailable``, ``OutOfStock``, ``InsufficientPoints`` and
    ``AccountFrozen``.
    """
    public_id = new_public_id()
    key = customer_key(customer.pk, idempotency_key or str(public_id))
    if customer.state != CustomerState.ACTIVE:
        raise CustomerNotActive(f"The customer is {customer.state}.", state=customer.state)
    if not reward.is_active:
        raise RewardUnavailable
    hold = holds.open_hold(
        customer_id=customer.pk,
        wallet_id=reward.wallet_id,
        points=reward.cost_points,
        source=Source(SOURCE, key),
        at=at,
        expires_at=at + RESERVATION,
    )
    earlier = Redemption.objects.filter(hold=hold).first()
    if earlier is not None:
        if earlier.reward_id != reward.pk:
            raise SourceReused("This key redeemed another reward.")
        return earlier
    _take_from_stock(reward)
    redemption: Redemption = Redemption.objects.create(
        public_id=public_id,
        customer=customer,
        reward=reward,
        points=reward.cost_points,
        hold=hold,
        reserved_at=at,
    )
    _record(redemption, None, by=by, at=at)
    return redemption


def _take_from_stock(reward: Reward) -> None:
    limited = Reward.objects.filter(pk=reward.pk, is_active=True, stock__isnull=False)
    # One statement checks and takes; two customers cannot both get the last one.
    if limited.filter(stock__gt=0).update(stock=F("stock") - 1):
        return
    if limited.exists():
        raise OutOfStock
    if not Reward.objects.filter(pk=reward.pk, is_active=True).exists():
        raise RewardUnavailable


@transaction.atomic
def redeem(
    *, customer: Customer, reward: Reward, by: Actor, at: datetime, idempotency_key: str = ""
) -> Redemption:
    """Reserve and confirm in one step: the points are spent when this returns."""
    redemption = reserve(customer=customer, reward=reward, by=by, at=at, idempotency_key=idempotency_key)
    if redemption.state == RedemptionState.RESERVED:
        return confirm(redemption=redemption, by=by, at=at)
    return redemption


@transaction.atomic
def confirm(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Spend the held points. Raises ``WrongState`` unless the redemption is reserved."""
    row = _lock(redemption, RedemptionState.RESERVED)
    posting = holds.capture(
        hold=row.hold,
        kind=TransactionKind.REDEEM,
        source=Source(SOURCE, str(row.public_id)),
        reason=row.reward.name,
        by=by,
        at=at,
    )
    row.transaction_id = posting.transaction_id
    row.confirmed_at = at
    return _move(row, RedemptionState.CONFIRMED, by=by, at=at)


@transaction.atomic
def fulfil(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Record that the reward was handed over. Raises ``WrongState`` unless it is confirmed."""
    row = _lock(redemption, RedemptionState.CONFIRMED)
    row.fulfilled_at = at
    return _move(row, RedemptionState.FULFILLED, by=by, at=at)


@transaction.atomic
def cancel(*, redemption: Redemption, by: Actor, at: datetime, reason: str = "") -> Redemption:
    """Give points and stock back: the same lots with their original expiry. Raises ``WrongState``."""
    row = _lock(redemption, RedemptionState.RESERVED, RedemptionState.CONFIRMED)
    if row.transaction is None:
        holds.release(hold=row.hold, at=at)
    else:
        source = Source("redemption_cancelled", str(row.public_id))
        ledger.reverse(transaction=row.transaction, source=source, by=by, at=at, reason=reason)
    Reward.objects.filter(pk=row.reward_id, stock__isnull=False).update(stock=F("stock") + 1)
    row.cancelled_at, row.cancel_reason = at, reason[:500]
    return _move(row, RedemptionState.CANCELLED, by=by, at=at)


def cancel_overdue(*, by: Actor, at: datetime) -> int:
    """Cancel reservations whose hold's time is over; returns how many."""
    overdue = Redemption.objects.filter(state=RedemptionState.RESERVED, hold__expires_at__lte=at)
    redemptions = list(overdue.order_by("pk")[:_SWEEP])
    for redemption in redemptions:
        cancel(redemption=redemption, by=by, at=at, reason="The reservation timed out")
    return len(redemptions)


def _lock(redemption: Redemption, *allowed: RedemptionState) -> Redemption:
    row = lock_redemption(redemption.pk)
    if row.state not in allowed:
        raise WrongState(f"The redemption is {row.state}.", state=row.state)
    return row


def _move(row: Redemption, state: RedemptionState, *, by: Actor, at: datetime) -> Redemption:
    before, row.state = row.state, state
    row.save()
    _record(row, before, by=by, at=at)
    return row


def _record(row: Redemption, before: str | None, *, by: Actor, at: datetime) -> None:
    audit.record(
        action=f"redemption.{row.state}", target=row, by=by, at=at, diff={"state": [before, row.state]}
    )
    outbox.publish(topic=f"rewards.redemption_{row.state}", payload={"redemption_id": row.pk}, at=at)

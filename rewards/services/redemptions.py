"""Redemptions: reserved, confirmed, handed over or shipped; cancelled or refunded with the points back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from crm.models import Customer, CustomerState
from crm.services import customer_touches
from rewards.domain.coupon_limits import Demand
from rewards.domain.coupon_terms import Reason
from rewards.domain.sources import customer_key
from rewards.locks import lock_redemption
from rewards.models import (
    CodeState,
    CouponCode,
    Redemption,
    RedemptionState,
    Reward,
    RewardPrice,
    TransactionKind,
    VelocityKind,
    Wallet,
)
from rewards.queries import catalogue, catalogue_for
from rewards.services import holds, ledger, velocity
from rewards.services.coupons import consumption, issuing
from rewards.services.coupons.errors import CouponsBusy
from rewards.services.errors import SourceReused
from rewards.services.ledger import Source
from tenants.domain.actors import Actor
from tenants.errors import Conflict
from tenants.models.base import new_public_id
from tenants.services import audit, outbox

RESERVATION: Final = timedelta(minutes=30)
SOURCE: Final = "redemption"
_CODE_KEPT: Final = timedelta(days=1)
_SWEEP: Final = 500


class RewardUnavailable(Conflict):
    """The reward is not offered, or not to this customer."""

    code = "reward_unavailable"
    title = "The reward is not offered"


class OutOfStock(Conflict):
    """The last piece of the reward is gone."""

    code = "out_of_stock"
    title = "The reward is out of stock"


class RewardLimitReached(Conflict):
    """The customer took the reward as often as one may; carries ``limit``."""

    code = "reward_limit"
    title = "The customer has taken this reward as often as allowed"


class CodeUsed(Conflict):
    """The reward's coupon was used already, so it cannot be given back."""

    code = "code_used"
    title = "The reward's coupon was used already"


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
    *,
    customer: Customer,
    reward: Reward,
    by: Actor,
    at: datetime,
    idempotency_key: str = "",
    wallet_key: str = "",
    is_under_review: bool = False,
) -> Redemption:
    """Hold the points, take one from stock and a code. A repeated ``idempotency_key`` finds the first one.

    ``wallet_key`` chooses the wallet to pay from, else the reward's own. Raises ``CustomerNotActive``,
    ``RewardUnavailable``, ``RewardLimitReached``, ``OutOfStock``, ``NoCodes``, ``InsufficientPoints`` and
    ``AccountFrozen``.
    """
    public_id = new_public_id()
    key = customer_key(customer.pk, idempotency_key or str(public_id))
    if customer.state != CustomerState.ACTIVE:
        raise CustomerNotActive(f"The customer is {customer.state}.", state=customer.state)
    tier = _require_offered(customer, reward, at)
    wallet_id, cost_points = _price(reward, wallet_key, tier)
    hold = holds.open_hold(
        customer_id=customer.pk,
        wallet_id=wallet_id,
        points=cost_points,
        source=Source(SOURCE, key),
        at=at,
        expires_at=None if is_under_review else at + RESERVATION,
    )
    earlier = Redemption.objects.filter(hold=hold).first()
    if earlier is not None:
        if earlier.reward_id != reward.pk:
            raise SourceReused("This key redeemed another reward.")
        return earlier
    _take_from_stock(reward)
    _count(customer, reward)
    redemption: Redemption = Redemption.objects.create(
        public_id=public_id,
        customer=customer,
        reward=reward,
        points=cost_points,
        hold=hold,
        coupon_code=_reserved_code(reward, public_id, at),
        is_under_review=is_under_review,
        reserved_at=at,
    )
    _record(redemption, None, by=by, at=at)
    return redemption


def _price(reward: Reward, wallet_key: str, tier: str) -> tuple[int, int]:
    """Return the wallet and the points; in the reward's own wallet the tier's price holds."""
    if not wallet_key or Wallet.objects.filter(pk=reward.wallet_id, key=wallet_key).exists():
        return reward.wallet_id, catalogue_for.price_of(reward, catalogue_for.prices(tier))
    price = RewardPrice.objects.filter(reward=reward, wallet__key=wallet_key).first()
    if price is None:
        raise RewardUnavailable(f"The reward has no price in the wallet {wallet_key!r}.")
    return price.wallet_id, price.cost_points


def _require_offered(customer: Customer, reward: Reward, at: datetime) -> str:
    """Return the customer's tier. Raises ``RewardUnavailable``."""
    is_early = reward.valid_from is not None and at < reward.valid_from
    is_late = reward.valid_until is not None and at >= reward.valid_until
    if not reward.is_active or is_early or is_late:
        raise RewardUnavailable
    segments, tier = catalogue.belongings(customer, [reward])
    is_for_customer = catalogue.is_for(reward, segments=segments, tier=tier)
    if not is_for_customer or reward.key in catalogue_for.kept_from(tier):
        raise RewardUnavailable("The reward is not offered to this customer.")
    return tier


def _take_from_stock(reward: Reward) -> None:
    limited = Reward.objects.filter(pk=reward.pk, is_active=True, stock__isnull=False)
    # One statement checks and takes; two customers cannot both get the last one.
    if limited.filter(stock__gt=0).update(stock=F("stock") - 1):
        return
    if limited.exists():
        raise OutOfStock
    if not Reward.objects.filter(pk=reward.pk, is_active=True).exists():
        raise RewardUnavailable


def _limit(customer_id: int, reward: Reward) -> Demand:
    key = catalogue.limit_key(reward.pk, customer_id)
    reason = Reason.CUSTOMER_LIMIT
    return Demand(key, reward.limit_per_customer, None, reason, reason)


def _count(customer: Customer, reward: Reward) -> None:
    """Count also where nothing limits yet: a limit set later looks back."""
    try:
        consumption.take([], [_limit(customer.pk, reward)])
    except CouponsBusy as error:
        raise RewardLimitReached(limit=reward.limit_per_customer) from error


def _reserved_code(reward: Reward, public_id: object, at: datetime) -> CouponCode | None:
    if reward.coupon_definition_id is None or reward.coupon_definition is None:
        return None
    source = Source(SOURCE, str(public_id))
    definition = reward.coupon_definition
    return issuing.reserve_code(definition=definition, source=source, at=at, ttl=_CODE_KEPT)


@transaction.atomic
def redeem(
    *,
    customer: Customer,
    reward: Reward,
    by: Actor,
    at: datetime,
    idempotency_key: str = "",
    wallet_key: str = "",
) -> Redemption:
    """Reserve and confirm in one step: the points are spent when this returns.

    When the customer redeems faster than the tenant's velocity limit allows, it stays reserved under review.
    """
    is_too_fast = velocity.is_too_fast(VelocityKind.REDEMPTIONS, customer_id=customer.pk, at=at)
    redemption = reserve(
        customer=customer,
        reward=reward,
        by=by,
        at=at,
        idempotency_key=idempotency_key,
        wallet_key=wallet_key,
        is_under_review=is_too_fast,
    )
    if redemption.is_under_review:
        velocity.open_review(
            kind=VelocityKind.REDEMPTIONS,
            customer_id=customer.pk,
            subject=str(redemption.public_id),
            details={"reward": reward.name, "points": redemption.points},
            at=at,
        )
        return redemption
    if redemption.state == RedemptionState.RESERVED:
        return confirm(redemption=redemption, by=by, at=at)
    return redemption


@transaction.atomic
def confirm(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Spend the held points; a coupon is the customer's from now on, which fulfils it. ``WrongState``."""
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
    row.confirmed_at, row.is_under_review = at, False
    row = _move(row, RedemptionState.CONFIRMED, by=by, at=at)
    if row.coupon_code_id is None:
        return row
    _hand_over_code(row, by=by, at=at)
    row.fulfilled_at = at
    return _move(row, RedemptionState.FULFILLED, by=by, at=at)


def _hand_over_code(row: Redemption, *, by: Actor, at: datetime) -> None:
    source = Source(SOURCE, str(row.public_id))
    code = issuing.of_source(source)
    if code is None or code.state != CodeState.RESERVED:
        # A review took longer than the code was kept.
        definition = row.reward.coupon_definition
        if definition is None:
            raise WrongState("The reward has no coupon any more.", state=row.state)
        code = issuing.reserve_code(definition=definition, source=source, at=at)
        row.coupon_code = code
    issuing.assign(code=code, customer_id=row.customer_id, by=by, at=at)


@transaction.atomic
def fulfil(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Record that the reward was handed over. Raises ``WrongState`` unless it is confirmed."""
    row = _lock(redemption, RedemptionState.CONFIRMED)
    row.fulfilled_at = at
    return _move(row, RedemptionState.FULFILLED, by=by, at=at)


@transaction.atomic
def pack(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Record that the reward is packed. Raises ``WrongState`` unless it is confirmed."""
    row = _lock(redemption, RedemptionState.CONFIRMED)
    row.packed_at = at
    return _move(row, RedemptionState.PACKED, by=by, at=at)


@transaction.atomic
def ship(*, redemption: Redemption, by: Actor, at: datetime, tracking: str = "") -> Redemption:
    """Record that the parcel left. Raises ``WrongState`` unless it is packed."""
    row = _lock(redemption, RedemptionState.PACKED)
    row.shipped_at, row.tracking = at, tracking[:200]
    return _move(row, RedemptionState.SHIPPED, by=by, at=at)


@transaction.atomic
def deliver(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Record that the parcel arrived. Raises ``WrongState`` unless it was shipped."""
    row = _lock(redemption, RedemptionState.SHIPPED)
    row.fulfilled_at = at
    return _move(row, RedemptionState.DELIVERED, by=by, at=at)


@transaction.atomic
def cancel(*, redemption: Redemption, by: Actor, at: datetime, reason: str = "") -> Redemption:
    """Give points, stock and code back before the reward is handed over. Raises ``WrongState``."""
    row = _lock(redemption, RedemptionState.RESERVED, RedemptionState.CONFIRMED, RedemptionState.PACKED)
    _give_back(row, "redemption_cancelled", by=by, at=at, reason=reason)
    row.cancelled_at, row.cancel_reason, row.is_under_review = at, reason[:500], False
    return _move(row, RedemptionState.CANCELLED, by=by, at=at)


@transaction.atomic
def refund(
    *, redemption: Redemption, by: Actor, at: datetime, reason: str = "", is_approved: bool = False
) -> Redemption:
    """Undo what was handed over: the same lots, the stock and the unused code come back.

    Raises ``WrongState``, and ``CodeUsed`` when the reward's coupon was used. Above the tenant's velocity
    limit the redemption stays as it is, under review, until somebody has approved.
    """
    row = _lock(redemption, RedemptionState.FULFILLED, RedemptionState.DELIVERED, RedemptionState.SHIPPED)
    if not is_approved and velocity.is_too_fast(VelocityKind.REFUNDS, customer_id=row.customer_id, at=at):
        return _review_refund(row, reason, at)
    row.is_under_review = False
    _give_back(row, "redemption_refunded", by=by, at=at, reason=reason)
    row.refunded_at, row.cancel_reason = at, reason[:500]
    return _move(row, RedemptionState.REFUNDED, by=by, at=at)


def _review_refund(row: Redemption, reason: str, at: datetime) -> Redemption:
    row.is_under_review = True
    row.save(update_fields=["is_under_review"])
    velocity.open_review(
        kind=VelocityKind.REFUNDS,
        customer_id=row.customer_id,
        subject=str(row.public_id),
        details={"reward": row.reward.name, "points": row.points, "reason": reason[:300]},
        at=at,
    )
    return row


def keep(*, redemption: Redemption) -> Redemption:
    """End the review of a refund without undoing anything."""
    row = lock_redemption(redemption.pk)
    row.is_under_review = False
    row.save(update_fields=["is_under_review"])
    return row


def _give_back(row: Redemption, source_type: str, *, by: Actor, at: datetime, reason: str) -> None:
    if row.coupon_code is not None and not issuing.give_back(code=row.coupon_code, at=at):
        raise CodeUsed
    if row.transaction is None:
        holds.release(hold=row.hold, at=at)
    else:
        source = Source(source_type, str(row.public_id))
        ledger.reverse(transaction=row.transaction, source=source, by=by, at=at, reason=reason)
        customer_touches.add([row.customer_id], is_history=False)
    Reward.objects.filter(pk=row.reward_id, stock__isnull=False).update(stock=F("stock") + 1)
    consumption.uncount([_limit(row.customer_id, row.reward)])


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

"""Redemptions: points exchanged for a reward; reserved, then confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from crm.models import Customer
from rewards.domain.policies import Pace
from rewards.domain.sources import customer_key
from rewards.models import (
    Redemption,
    RedemptionState,
    Reward,
    RewardPrice,
    TransactionKind,
    VelocityKind,
    Wallet,
)
from rewards.queries.catalogue_for import PricedReward
from rewards.services import holds, reward_codes, reward_offers, reward_stock, velocity
from rewards.services.errors import SourceReused
from rewards.services.ledger import Source
from rewards.services.redemption_states import (
    SOURCE,
    RewardUnavailable,
    WrongState,
    lock,
    move,
    record,
)
from tenants.domain.actors import Actor
from tenants.models.base import new_public_id

RESERVATION: Final = timedelta(minutes=30)
# A code that is set aside shorter than the reservation is free again too early.
LONGEST_RESERVATION: Final = reward_codes.KEPT


@transaction.atomic
def reserve(
    *,
    customer: Customer,
    reward: Reward,
    by: Actor,
    at: datetime,
    idempotency_key: str = "",
    wallet_key: str = "",
    ttl: timedelta = RESERVATION,
) -> Redemption:
    """Hold the points for ``ttl``, take one from stock and a code; a repeated ``idempotency_key`` finds it.

    ``wallet_key`` chooses the wallet to pay from, else the reward's own. Who redeems faster than the tenant's
    velocity limit waits for a review without end. Raises ``CustomerNotActive``, ``RewardUnavailable``,
    ``RewardPaused``, ``CouponPaused``, ``RewardLimitReached``, ``OutOfStock``, ``NoCodes``,
    ``InsufficientPoints`` and ``AccountFrozen``.
    """
    is_too_fast = velocity.exceeded(Pace.REDEMPTIONS, customer_id=customer.pk, at=at) is not None
    redemption = _reserved(
        customer,
        reward,
        key=idempotency_key,
        wallet_key=wallet_key,
        is_under_review=is_too_fast,
        expires_at=at + min(ttl, LONGEST_RESERVATION),
        by=by,
        at=at,
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


def _reserved(
    customer: Customer,
    reward: Reward,
    *,
    key: str,
    wallet_key: str,
    is_under_review: bool,
    expires_at: datetime,
    by: Actor,
    at: datetime,
) -> Redemption:
    """Return the reservation of this key; one under review does not end by itself."""
    public_id = new_public_id()
    reward_offers.require_active(customer)
    wallet_id, cost_points = _price(reward_offers.offered(customer, reward, at), wallet_key)
    hold = holds.open_hold(
        customer_id=customer.pk,
        wallet_id=wallet_id,
        points=cost_points,
        source=Source(SOURCE, customer_key(customer.pk, key or str(public_id))),
        at=at,
        expires_at=None if is_under_review else expires_at,
    )
    earlier = Redemption.objects.filter(hold=hold).first()
    if earlier is not None:
        if earlier.reward_id != reward.pk:
            raise SourceReused("This key redeemed another reward.")
        return earlier
    reward_stock.take(customer, reward)
    redemption: Redemption = Redemption.objects.create(
        public_id=public_id,
        customer=customer,
        reward=reward,
        points=cost_points,
        hold=hold,
        coupon_code=reward_codes.set_aside(reward, public_id, at),
        is_under_review=is_under_review,
        reserved_at=at,
    )
    record(redemption, None, by=by, at=at)
    return redemption


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
    redemption = reserve(
        customer=customer, reward=reward, by=by, at=at, idempotency_key=idempotency_key, wallet_key=wallet_key
    )
    if redemption.state == RedemptionState.RESERVED and not redemption.is_under_review:
        return confirm(redemption=redemption, by=by, at=at)
    return redemption


@transaction.atomic
def confirm(*, redemption: Redemption, by: Actor, at: datetime, is_approved: bool = False) -> Redemption:
    """Spend the held points; a coupon is the customer's from now on, which fulfils it. Raises ``WrongState``.

    What is under review is confirmed by the review alone, with ``is_approved``.
    """
    row = lock(redemption, RedemptionState.RESERVED)
    if row.is_under_review and not is_approved:
        raise WrongState("The redemption waits for a review.", state=row.state)
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
    row = move(row, RedemptionState.CONFIRMED, by=by, at=at)
    return reward_codes.hand_over(row, by=by, at=at)


def _price(priced: PricedReward, wallet_key: str) -> tuple[int, int]:
    """Return the wallet and the points; in the reward's own wallet the tier's price holds."""
    reward = priced.reward
    if not wallet_key or Wallet.objects.filter(pk=reward.wallet_id, key=wallet_key).exists():
        return reward.wallet_id, priced.cost_points
    price = RewardPrice.objects.filter(reward=reward, wallet__key=wallet_key).first()
    if price is None:
        raise RewardUnavailable(f"The reward has no price in the wallet {wallet_key!r}.", reason="no_price")
    return price.wallet_id, price.cost_points

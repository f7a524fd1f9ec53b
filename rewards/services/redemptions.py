"""Redemptions: points exchanged for a reward; reserved, then confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from crm.models import Customer, CustomerState
from rewards.domain.policies import Pace
from rewards.domain.sources import customer_key
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
from rewards.queries.catalogue_for import PricedReward
from rewards.services import holds, reward_stock, velocity
from rewards.services.coupons import issuing
from rewards.services.errors import CouponPaused, CustomerNotActive, RewardPaused, SourceReused
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
_CODE_KEPT: Final = timedelta(days=1)
# A code that is set aside longer than the reservation is free again too early.
LONGEST_RESERVATION: Final = _CODE_KEPT


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
    if customer.state != CustomerState.ACTIVE:
        raise CustomerNotActive(f"The customer is {customer.state}.", state=customer.state)
    wallet_id, cost_points = _price(_offered(customer, reward, at), wallet_key)
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
        coupon_code=_reserved_code(reward, public_id, at),
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
    if row.coupon_code_id is None:
        return row
    _hand_over_code(row, by=by, at=at)
    row.fulfilled_at = at
    return move(row, RedemptionState.FULFILLED, by=by, at=at)


def _price(priced: PricedReward, wallet_key: str) -> tuple[int, int]:
    """Return the wallet and the points; in the reward's own wallet the tier's price holds."""
    reward = priced.reward
    if not wallet_key or Wallet.objects.filter(pk=reward.wallet_id, key=wallet_key).exists():
        return reward.wallet_id, priced.cost_points
    price = RewardPrice.objects.filter(reward=reward, wallet__key=wallet_key).first()
    if price is None:
        raise RewardUnavailable(f"The reward has no price in the wallet {wallet_key!r}.", reason="no_price")
    return price.wallet_id, price.cost_points


def _offered(customer: Customer, reward: Reward, at: datetime) -> PricedReward:
    """Return the reward at the customer's price. Raises ``RewardUnavailable`` and what brakes raise."""
    _require_not_paused(reward, at)
    is_early = reward.valid_from is not None and at < reward.valid_from
    is_late = reward.valid_until is not None and at >= reward.valid_until
    if not reward.is_active:
        raise RewardUnavailable(reason="not_offered")
    if is_early or is_late:
        raise RewardUnavailable(reason="not_started" if is_early else "expired")
    segments, tier = catalogue.belongings(customer, [reward])
    if catalogue.is_for(reward, segments=segments, tier=tier):
        for priced in catalogue_for.tier(tier, [reward]):
            return priced
    raise RewardUnavailable("The reward is not offered to this customer.", reason="not_for_customer")


def _require_not_paused(reward: Reward, at: datetime) -> None:
    kept_back = catalogue.brake_on(catalogue.rewards().get(pk=reward.pk), at)
    if kept_back == "coupon_paused":
        raise CouponPaused("The coupon that the reward hands out is paused.", key=reward.key)
    if kept_back:
        raise RewardPaused(f"The reward {reward.key!r} is paused.", key=reward.key)


def _reserved_code(reward: Reward, public_id: object, at: datetime) -> CouponCode | None:
    definition = reward.coupon_definition
    if definition is None:
        return None
    if not catalogue.hands_out(definition, at):
        raise RewardUnavailable("The reward's coupon is not offered any more.", reason="coupon_not_offered")
    source = Source(SOURCE, str(public_id))
    return issuing.reserve_code(definition=definition, source=source, at=at, ttl=_CODE_KEPT)


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

"""Rewards that rules give: redemptions at no price, which move no points."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm.models import Customer
from rewards.models import Redemption, RedemptionState, Reward
from rewards.services import reward_codes, reward_offers, reward_stock
from rewards.services.ledger import Source
from rewards.services.redemption_states import record
from tenants.domain.actors import Actor
from tenants.models.base import new_public_id


@transaction.atomic
def give(
    *, customer: Customer, reward: Reward, rule: str, source: Source, by: Actor, at: datetime
) -> Redemption:
    """Redeem a reward for a customer at no price, once for ``source``; a repeated one finds the first.

    It takes from stock, counts against the times a customer may have it and hands out a code like any other
    redemption, but not against the velocity limit: nobody asked for it. Raises ``CustomerNotActive``,
    ``RewardUnavailable``, ``RewardPaused``, ``CouponPaused``, ``RewardLimitReached``, ``OutOfStock`` and
    ``NoCodes``.
    """
    earlier: Redemption | None = Redemption.objects.filter(gift_source=source.id).first()
    if earlier is not None:
        return earlier
    reward_offers.require_active(customer)
    reward_offers.offered(customer, reward, at)
    public_id = new_public_id()
    reward_stock.take(customer, reward)
    row: Redemption = Redemption.objects.create(
        public_id=public_id,
        customer=customer,
        reward=reward,
        points=0,
        granted_by=rule,
        gift_source=source.id,
        coupon_code=reward_codes.set_aside(reward, public_id, at),
        state=RedemptionState.CONFIRMED,
        reserved_at=at,
        confirmed_at=at,
    )
    record(row, None, by=by, at=at)
    return reward_codes.hand_over(row, by=by, at=at)

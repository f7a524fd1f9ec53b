"""Whom a reward is offered to, now and at which price."""

from __future__ import annotations

from datetime import datetime

from crm.models import Customer, CustomerState
from rewards.models import Reward
from rewards.queries import catalogue, catalogue_for
from rewards.queries.catalogue_for import PricedReward
from rewards.services.errors import CouponPaused, CustomerNotActive, RewardPaused
from rewards.services.redemption_states import RewardUnavailable


def require_active(customer: Customer) -> None:
    """Raise ``CustomerNotActive`` unless the customer may have anything."""
    if customer.state != CustomerState.ACTIVE:
        raise CustomerNotActive(f"The customer is {customer.state}.", state=customer.state)


def offered(customer: Customer, reward: Reward, at: datetime) -> PricedReward:
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

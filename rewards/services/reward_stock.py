"""What there is of a reward: pieces in stock, and how often a customer may take one."""

from __future__ import annotations

from django.db.models import F

from crm.models import Customer
from rewards.domain.coupon_limits import Demand
from rewards.domain.coupon_reasons import Reason
from rewards.models import Reward
from rewards.queries import catalogue
from rewards.services.coupons import consumption
from rewards.services.coupons.errors import CouponsBusy
from rewards.services.redemption_states import OutOfStock, RewardLimitReached, RewardUnavailable


def take(customer: Customer, reward: Reward) -> None:
    """Take one for a customer. Raises ``OutOfStock``, ``RewardUnavailable`` and ``RewardLimitReached``."""
    _take_from_stock(reward)
    _count(customer, reward)


def give_back(customer_id: int, reward: Reward) -> None:
    """Put one back, which the customer may take again."""
    Reward.objects.filter(pk=reward.pk, stock__isnull=False).update(stock=F("stock") + 1)
    consumption.uncount([_limit(customer_id, reward)])


def _take_from_stock(reward: Reward) -> None:
    limited = Reward.objects.filter(pk=reward.pk, is_active=True, stock__isnull=False)
    # One statement checks and takes; two customers cannot both get the last one.
    if limited.filter(stock__gt=0).update(stock=F("stock") - 1):
        return
    if limited.exists():
        raise OutOfStock
    if not Reward.objects.filter(pk=reward.pk, is_active=True).exists():
        raise RewardUnavailable(reason="not_offered")


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

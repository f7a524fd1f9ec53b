"""The catalogue as one customer sees it: what is offered, at which price, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from crm.models import Customer, CustomerState, SegmentMember
from rewards.models import CouponCounter, CouponDefinition, Reward, TierMembership
from rewards.queries import balances, catalogue_for
from rewards.queries.catalogue_for import PricedReward


@dataclass(frozen=True, slots=True)
class Price:
    """Points in one wallet; ``missing`` is what the customer lacks there."""

    wallet: str
    cost_points: int
    missing: int


@dataclass(frozen=True, slots=True)
class VisibleReward:
    """A reward the customer may see; the first price is its own wallet's.

    ``reasons`` say why it cannot be had now, none means it can.
    """

    reward: Reward
    prices: tuple[Price, ...]
    reasons: tuple[str, ...]

    @property
    def cost_points(self) -> int:
        """What it costs this customer in its own wallet."""
        return self.prices[0].cost_points


def rewards() -> QuerySet[Reward]:
    """All rewards, also those that are not on offer."""
    found: QuerySet[Reward] = Reward.objects.select_related("wallet", "coupon_definition")
    return found


def offered(at: datetime) -> QuerySet[Reward]:
    """Rewards on offer at a moment, to whomever."""
    return rewards().filter(
        Q(valid_from__isnull=True) | Q(valid_from__lte=at),
        Q(valid_until__isnull=True) | Q(valid_until__gt=at),
        is_active=True,
    )


def is_for(reward: Reward, *, segments: set[str], tier: str) -> bool:
    """Whether a reward is shown to a customer of these segments and this tier."""
    is_in_segment = not reward.segments or bool(segments.intersection(reward.segments))
    return is_in_segment and (not reward.tiers or tier in reward.tiers)


def hands_out(definition: CouponDefinition, at: datetime) -> bool:
    """Whether a code of the coupon could still be used by who gets it now."""
    return definition.is_active and (definition.valid_until is None or at < definition.valid_until)


def belongings(customer: Customer, rewards: Sequence[Reward]) -> tuple[set[str], str]:
    """Return the customer's segments, of those the rewards name, and tier."""
    wanted = {key for reward in rewards for key in reward.segments}
    members = SegmentMember.objects.filter(customer=customer, segment__key__in=wanted)
    segments = set(members.values_list("segment__key", flat=True)) if wanted else set()
    tier = TierMembership.objects.filter(customer=customer).values_list("tier_key", flat=True).first()
    return segments, tier or ""


def visible_to(customer: Customer, *, at: datetime) -> list[VisibleReward]:
    """Return what the customer sees at the prices of their tier, the cheapest first.

    The number of queries is constant.
    """
    rewards = list(offered(at).prefetch_related("prices__wallet"))
    segments, tier = belongings(customer, rewards)
    # By the date, as a redemption does: a sweep may be late.
    held = balances.of_customers([customer.pk], at=at).get(customer.pk, [])
    available = {balance.wallet: balance.available for balance in held}
    mine = [reward for reward in rewards if is_for(reward, segments=segments, tier=tier)]
    taken = _taken(customer, mine)
    return [
        _seen(priced, customer, available, taken.get(priced.reward.pk, 0), at)
        for priced in catalogue_for.tier(tier, mine)
    ]


def limit_key(reward_id: int, customer_id: int) -> str:
    """The counter of how often a customer took a reward."""
    return f"reward:{reward_id}:customer:{customer_id}"


def _taken(customer: Customer, rewards: Sequence[Reward]) -> dict[int, int]:
    id_by_key = {limit_key(each.pk, customer.pk): each.pk for each in rewards if each.limit_per_customer}
    counters = CouponCounter.objects.filter(key__in=id_by_key).values_list("key", "uses")
    return {id_by_key[key]: uses for key, uses in counters}


def _seen(
    priced: PricedReward, customer: Customer, available: Mapping[str, int], taken: int, at: datetime
) -> VisibleReward:
    reward = priced.reward
    listed = [(reward.wallet, priced.cost_points)]
    listed += [(price.wallet, price.cost_points) for price in reward.prices.all()]
    prices = tuple(
        Price(wallet.key, cost, max(0, cost - available.get(wallet.key, 0))) for wallet, cost in listed
    )
    reasons = []
    if customer.state != CustomerState.ACTIVE:
        reasons.append("customer_not_active")
    if reward.stock == 0:
        reasons.append("out_of_stock")
    if reward.coupon_definition is not None and not hands_out(reward.coupon_definition, at):
        reasons.append("coupon_not_offered")
    if reward.limit_per_customer is not None and taken >= reward.limit_per_customer:
        reasons.append("customer_limit")
    if all(price.missing for price in prices):
        reasons.append("insufficient_points")
    return VisibleReward(reward, prices, tuple(reasons))

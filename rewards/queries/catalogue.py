"""The catalogue as one customer sees it: what is offered, at which price, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from crm.models import Customer, CustomerState, SegmentMember
from rewards.domain.brakes import holding
from rewards.models import CouponCounter, CouponDefinition, Reward, TierMembership
from rewards.queries import balances, brakes, catalogue_for
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
    """All rewards, also those that are not on offer, with the emergency brakes for ``brake_on``."""
    found: QuerySet[Reward] = Reward.objects.select_related("wallet", "coupon_definition__campaign")
    return brakes.read_with(found)


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
    campaign = definition.campaign
    ends = [definition.valid_until, campaign.ends_at if campaign else None]
    return definition.is_active and all(end is None or at < end for end in ends)


def brake_on(reward: Reward, at: datetime) -> str:
    """Return what a brake does to one of ``rewards``: ``paused``, ``coupon_paused``, or nothing."""
    on = holding(reward.pulled or (), at)
    if reward.key in on.rewards:
        return "paused"
    coupon = reward.coupon_definition
    if coupon is None:
        return ""
    is_paused = on.pauses_coupon(coupon.key, coupon.campaign.key if coupon.campaign else None)
    return "coupon_paused" if is_paused else ""


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
    viewer = _Viewer(customer, {balance.wallet: balance.available for balance in held}, at)
    mine = [reward for reward in rewards if is_for(reward, segments=segments, tier=tier)]
    taken = _taken(customer, mine)
    return [
        _seen(priced, viewer, taken.get(priced.reward.pk, 0)) for priced in catalogue_for.tier(tier, mine)
    ]


@dataclass(frozen=True, slots=True)
class _Viewer:
    customer: Customer
    points_by_wallet: Mapping[str, int]
    at: datetime


def limit_key(reward_id: int, customer_id: int) -> str:
    """The counter of how often a customer took a reward."""
    return f"reward:{reward_id}:customer:{customer_id}"


def _taken(customer: Customer, rewards: Sequence[Reward]) -> dict[int, int]:
    id_by_key = {limit_key(each.pk, customer.pk): each.pk for each in rewards if each.limit_per_customer}
    counters = CouponCounter.objects.filter(key__in=id_by_key).values_list("key", "uses")
    return {id_by_key[key]: uses for key, uses in counters}


def _seen(priced: PricedReward, viewer: _Viewer, taken: int) -> VisibleReward:
    reward = priced.reward
    listed = [(reward.wallet, priced.cost_points)]
    listed += [(price.wallet, price.cost_points) for price in reward.prices.all()]
    prices = tuple(
        Price(wallet.key, cost, max(0, cost - viewer.points_by_wallet.get(wallet.key, 0)))
        for wallet, cost in listed
    )
    reasons = []
    if viewer.customer.state != CustomerState.ACTIVE:
        reasons.append("customer_not_active")
    if kept_back := brake_on(reward, viewer.at):
        reasons.append(kept_back)
    if reward.stock == 0:
        reasons.append("out_of_stock")
    if reward.coupon_definition is not None and not hands_out(reward.coupon_definition, viewer.at):
        reasons.append("coupon_not_offered")
    if reward.limit_per_customer is not None and taken >= reward.limit_per_customer:
        reasons.append("customer_limit")
    if all(price.missing for price in prices):
        reasons.append("insufficient_points")
    return VisibleReward(reward, prices, tuple(reasons))

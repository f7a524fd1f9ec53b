"""The part of the catalogue that somebody of a tier may buy, and at which prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rewards.domain.tiers import prices_for
from rewards.models import Reward
from rewards.queries import programs


@dataclass(frozen=True, slots=True)
class PricedReward:
    """A reward and what somebody pays for it in its own wallet."""

    reward: Reward
    cost_points: int


def tier(key: str | None, rewards: Iterable[Reward]) -> list[PricedReward]:
    """Return the rewards at the tier's prices, without those that higher tiers have to themselves."""
    others, own = kept_from(key), prices(key)
    found = [PricedReward(each, price_of(each, own)) for each in rewards if each.key not in others]
    return sorted(found, key=lambda priced: (priced.cost_points, priced.reward.key))


def prices(key: str | None) -> dict[str, int]:
    """Return the points by reward that a tier pays instead of the catalogue's price."""
    published = programs.published()
    return prices_for(published.revision.tiers, key) if published else {}


def price_of(reward: Reward, own: Mapping[str, int]) -> int:
    """Return what the reward costs in its own wallet; a tier's price never is the dearer one."""
    return min(reward.cost_points, own.get(reward.key, reward.cost_points))


def kept_from(key: str | None) -> set[str]:
    """Return the keys of the rewards that tiers above this one have to themselves."""
    published = programs.published()
    tiers = published.revision.tiers if published else ()
    place = next((index for index, each in enumerate(tiers) if each.key == key), -1)
    exclusive = {reward for each in tiers for reward in each.perks.rewards}
    return exclusive - {reward for each in tiers[: place + 1] for reward in each.perks.rewards}

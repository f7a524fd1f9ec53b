"""The part of the catalogue that somebody of a tier may buy, and at which prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rewards.domain.tiers import Tier, prices_for
from rewards.models import Reward
from rewards.queries import programs


@dataclass(frozen=True, slots=True)
class PricedReward:
    """A reward and what somebody pays for it in its own wallet."""

    reward: Reward
    cost_points: int


def tier(key: str | None, rewards: Iterable[Reward]) -> list[PricedReward]:
    """Return the rewards at the tier's prices, without those that higher tiers have to themselves."""
    published = programs.published()
    tiers = published.revision.tiers if published else ()
    others, own = _kept_from(tiers, key), prices_for(tiers, key)
    found = [
        # A tier's price never is the dearer one.
        PricedReward(each, min(each.cost_points, own.get(each.key, each.cost_points)))
        for each in rewards
        if each.key not in others
    ]
    return sorted(found, key=lambda priced: (priced.cost_points, priced.reward.key))


def _kept_from(tiers: Sequence[Tier], key: str | None) -> set[str]:
    """Return the keys of the rewards that tiers above this one have to themselves."""
    place = next((index for index, each in enumerate(tiers) if each.key == key), -1)
    exclusive = {reward for each in tiers for reward in each.perks.rewards}
    return exclusive - {reward for each in tiers[: place + 1] for reward in each.perks.rewards}

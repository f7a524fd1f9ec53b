"""The part of the catalogue that somebody of a tier may buy."""

from __future__ import annotations

from collections.abc import Mapping

from rewards.domain.tiers import prices_for
from rewards.models import Reward
from rewards.queries import programs


def tier(key: str | None) -> list[Reward]:
    """Return the active rewards at the tier's prices, without those that higher tiers have to themselves."""
    rewards = Reward.objects.filter(is_active=True).exclude(key__in=kept_from(key))
    found, own = list(rewards.select_related("wallet")), prices(key)
    for reward in found:
        reward.cost_points = price_of(reward, own)
    return sorted(found, key=lambda reward: (reward.cost_points, reward.key))


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

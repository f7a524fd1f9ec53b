"""The part of the catalogue that somebody of a tier may buy."""

from __future__ import annotations

from rewards.models import Reward
from rewards.queries import programs


def tier(key: str | None) -> list[Reward]:
    """Return the active rewards without those that higher tiers have to themselves."""
    rewards = Reward.objects.filter(is_active=True).exclude(key__in=kept_from(key))
    return list(rewards.select_related("wallet").order_by("cost_points", "key"))


def kept_from(key: str | None) -> set[str]:
    """Return the keys of the rewards that tiers above this one have to themselves."""
    published = programs.published()
    tiers = published.revision.tiers if published else ()
    place = next((index for index, each in enumerate(tiers) if each.key == key), -1)
    exclusive = {reward for each in tiers for reward in each.perks.rewards}
    return exclusive - {reward for each in tiers[: place + 1] for reward in each.perks.rewards}

"""Tiers of customers."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from rewards.domain.tiers import standing
from rewards.models import TierMembership
from rewards.queries import programs


def profile_section(customer_ids: list[int]) -> dict[int, Any]:
    """Tier, qualifying spend and what is missing to the next tier, by customer, for profiles."""
    memberships = list(TierMembership.objects.filter(customer_id__in=customer_ids))
    published = programs.published() if memberships else None
    tiers = published.revision.tiers if published else ()
    name_by_key = {tier.key: tier.name for tier in tiers}
    sections = {}
    for membership in memberships:
        place = standing(tiers, membership.qualifying_spend_minor)
        sections[membership.customer_id] = {
            "key": membership.tier_key,
            "name": name_by_key.get(membership.tier_key, membership.tier_key),
            "since": membership.since.isoformat(),
            "qualifying_spend_minor": membership.qualifying_spend_minor,
            "next": place.next_tier.key if place.next_tier else None,
            "missing_minor": place.missing_minor,
        }
    return sections


def members_by_tier() -> dict[str, int]:
    """Return how many customers each tier has."""
    grouped = TierMembership.objects.values_list("tier_key").annotate(members=Count("id"))
    return {key: members for key, members in grouped.order_by("tier_key")}  # noqa: C416 - typed pairs

"""Tier changes: the member is lifted and held there; nobody is lowered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crm.models import Customer
from rewards.domain.effects import ChangeTier
from rewards.models import TierMembership
from rewards.queries.programs import PublishedRevision
from rewards.services import tiers
from rewards.services.effects import refusals
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import Refused
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import DomainError


def carry_out(
    given: Sequence[Given[ChangeTier]],
    *,
    published: PublishedRevision,
    by: Actor,
    at: datetime,
) -> Refused:
    """Lift members to the tier for its days (a year if the rule says none), as the program, not as staff."""
    rank_by_key = {tier.key: rank for rank, tier in enumerate(published.revision.tiers)}
    held = dict(
        TierMembership.objects.filter(customer_id__in={item.customer_id for item in given}).values_list(
            "customer_id", "tier_key"
        )
    )
    withheld = []
    for item in given:
        wanted = rank_by_key.get(item.effect.tier)
        if wanted is None or rank_by_key.get(held.get(item.customer_id, ""), -1) >= wanted:
            continue
        try:
            tiers.lock(
                customer=Customer.objects.get(pk=item.customer_id),
                tier_key=item.effect.tier,
                until=item.effect.until(at),
                reason=f"{published.number}: {item.effect.rule}",
                by=SYSTEM,
                at=at,
            )
        except DomainError as error:
            withheld.append(refusals.tell(item, error, at=at))
        held[item.customer_id] = item.effect.tier
    return Refused(effects=tuple(withheld))

"""Rewards of the catalogue: given at no price, so that no points move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from crm.models import Customer
from rewards.domain.effects import GrantReward
from rewards.models import Reward
from rewards.queries.programs import PublishedRevision
from rewards.services import reward_gifts
from rewards.services.effects import refusals
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import Refused
from tenants.domain.actors import Actor
from tenants.errors import DomainError, NotFound


def carry_out(
    given: Sequence[Given[GrantReward]],
    *,
    published: PublishedRevision,
    by: Actor,
    at: datetime,
) -> Refused:
    """Give the rewards. One that is gone or out of stock costs the reward, never the points beside it."""
    withheld = []
    for item in given:
        try:
            with transaction.atomic():
                _give(item, by, at)
        except DomainError as error:
            withheld.append(refusals.tell(item, error, at=at))
    return Refused(effects=tuple(withheld))


def _give(item: Given[GrantReward], by: Actor, at: datetime) -> None:
    reward = Reward.objects.filter(key=item.effect.reward).first()
    if reward is None:
        raise NotFound(f"There is no reward {item.effect.reward!r}.")
    reward_gifts.give(
        customer=Customer.objects.get(pk=item.customer_id),
        reward=reward,
        rule=item.effect.rule,
        source=item.source_of(reward.key),
        by=by,
        at=at,
    )

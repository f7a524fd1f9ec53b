"""Rewards of the catalogue: their price is credited and spent at once, so that the books tell both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from crm.models import Customer
from rewards.domain.effects import GrantReward
from rewards.models import Reward, TransactionKind
from rewards.queries.programs import PublishedRevision
from rewards.services import ledger, redemptions
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
    """Redeem the rewards. One that is gone or out of stock costs the reward, never the points beside it."""
    withheld = []
    for item in given:
        try:
            with transaction.atomic():
                _redeem(item, published, by, at)
        except DomainError as error:
            withheld.append(refusals.tell(item, error, at=at))
    return Refused(effects=tuple(withheld))


def _redeem(item: Given[GrantReward], published: PublishedRevision, by: Actor, at: datetime) -> None:
    reward = Reward.objects.filter(key=item.effect.reward).first()
    if reward is None:
        raise NotFound(f"There is no reward {item.effect.reward!r}.")
    if reward.cost_points:
        # The lot that ends first is spent first: the member's own lots stay as they are.
        ledger.post(
            customer_id=item.customer_id,
            wallet_id=reward.wallet_id,
            kind=TransactionKind.EARN,
            points=reward.cost_points,
            source=item.source_of(reward.key),
            occurred_at=item.occurred_at,
            expires_at=at + timedelta(minutes=1),
            revision_id=published.id,
            reason=reward.name,
            by=by,
            at=at,
        )
    customer = Customer.objects.get(pk=item.customer_id)
    redemptions.redeem(
        customer=customer, reward=reward, idempotency_key=item.source_of(reward.key).id, by=by, at=at
    )

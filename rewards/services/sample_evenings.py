"""What happens when a sample day is over: members enter challenges and take rewards, staff hand them over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

from crm.models import Customer
from rewards.domain.presets.traffic import Day, PlannedMember
from rewards.models import Redemption, RedemptionState
from rewards.queries import catalogue, programs
from rewards.services import challenges, fulfilments, redemptions
from rewards.services.challenges import ChallengeNotOffered
from tenants.domain.actors import Actor
from tenants.errors import DomainError

# Staff are two days behind, so that something is left to do when the new user looks.
_HANDED_OVER_AFTER: Final = timedelta(days=2)


def enter_challenges(*, people: Sequence[PlannedMember], day: Day, by: Actor, at: datetime) -> None:
    """Let members who joined on the day enter the challenges that ask for it."""
    published = programs.published()
    offered = published.revision.challenges if published else ()
    keys = [challenge.key for challenge in offered if challenge.needs_opt_in]
    names = [member.external_id for member in people if member.enters and member.joins_on == day.day]
    if not keys or not names:
        return
    for customer in Customer.objects.filter(external_id__in=names).order_by("pk"):
        for key in keys:
            try:
                challenges.opt_in(customer=customer, key=key, by=by, at=at)
            except ChallengeNotOffered:
                continue


def take_rewards(*, people: Sequence[PlannedMember], day: Day, by: Actor, at: datetime) -> int:
    """Let who looks at the rewards take one they can pay; returns how many were taken."""
    names = [people[index].external_id for index in day.looking]
    lookers = Customer.objects.filter(external_id__in=names).order_by("pk")
    return sum(_take_one(customer, day, by, at) for customer in lookers)


def _take_one(customer: Customer, day: Day, by: Actor, at: datetime) -> int:
    affordable = [seen.reward for seen in catalogue.visible_to(customer, at=at) if not seen.reasons]
    if not affordable:
        return 0
    choice = Random(f"{day.day}:{customer.external_id}").choice(affordable)  # noqa: S311 - play, not secrecy
    try:
        redemptions.redeem(
            customer=customer, reward=choice, idempotency_key=f"sample-{day.day}", by=by, at=at
        )
    except DomainError:
        return 0
    return 1


def hand_over(*, by: Actor, at: datetime) -> None:
    """Let staff hand over, or pack, ship and deliver, what has waited long enough."""
    waiting = Redemption.objects.filter(
        state=RedemptionState.CONFIRMED, confirmed_at__lte=at - _HANDED_OVER_AFTER
    )
    for row in waiting.select_related("reward").order_by("pk"):
        if row.reward.needs_shipping:
            fulfilments.pack(redemption=row, by=by, at=at)
            fulfilments.ship(redemption=row, tracking=f"S-{row.pk:06d}", by=by, at=at)
            fulfilments.deliver(redemption=row, by=by, at=at)
        else:
            fulfilments.fulfil(redemption=row, by=by, at=at)

"""What members do when a sample day is over: they enter challenges and take rewards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from random import Random

from crm.models import Customer
from rewards.domain.presets.plans import Day, PlannedMember
from rewards.queries import catalogue, programs
from rewards.services import challenges, redemptions
from rewards.services.challenges import ChallengeNotOffered
from tenants.domain.actors import Actor
from tenants.errors import DomainError


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
    wanted = {people[index].external_id: times for index, times in Counter(day.looking).items()}
    lookers = Customer.objects.filter(external_id__in=wanted).order_by("pk")
    return sum(
        _take_one(customer, day, number, by, at)
        for customer in lookers
        for number in range(wanted[customer.external_id or ""])
    )


def _take_one(customer: Customer, day: Day, number: int, by: Actor, at: datetime) -> int:
    affordable = [seen.reward for seen in catalogue.visible_to(customer, at=at) if not seen.reasons]
    if not affordable:
        return 0
    # Who wants several takes what is cheapest.
    chance = Random(f"{day.day}:{customer.external_id}")  # noqa: S311 - play, not secrecy
    cheapest = min(affordable, key=lambda reward: (reward.cost_points, reward.pk))
    choice = chance.choice(affordable) if number == 0 else cheapest
    try:
        redemptions.redeem(
            customer=customer, reward=choice, idempotency_key=f"sample-{day.day}-{number}", by=by, at=at
        )
    except DomainError:
        return 0
    return 1

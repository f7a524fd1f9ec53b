"""What emergency brakes kept back: noted for the customer, and given once the brake is off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rewards.models import OwedGift
from tenants.domain.actors import Actor
from tenants.services import jobs

JOB: Final = "rewards.give_owed"
GIVEN: Final = "given"
NOT_DUE: Final = "not_due"


def note(gifts: Sequence[OwedGift]) -> None:
    """Remember what is owed, each once for what it was earned by."""
    if gifts:
        OwedGift.objects.bulk_create(gifts, ignore_conflicts=True)


def start_giving(*, by: Actor, at: datetime) -> None:
    """Start a job that gives what is owed, if anything is: brakes have ended."""
    if OwedGift.objects.filter(settled_at__isnull=True).exists():
        jobs.start(kind=JOB, params={}, by=by, at=at)

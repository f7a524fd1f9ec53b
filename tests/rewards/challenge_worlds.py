"""A tenant with a program of challenges, for tests of counting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from crm.domain.events import NewEvent
from crm.models import Customer
from crm.services import ingest
from rewards.models import ChallengeProgress
from rewards.services import challenges, programs
from tenants.domain.actors import SYSTEM
from tests.conftest import NOW

LIVE = NOW - timedelta(days=30)


def challenge(goal: dict[str, Any], key: str = "c", **options: Any) -> dict[str, Any]:
    rewards = [{"kind": "points", "wallet": "points", "points": 100}]
    return {"key": key, "name": key.title(), "goal": goal, "rewards": rewards, **options}


ORDERS: dict[str, Any] = {"kind": "count", "match": {}, "target": 2}
LESSONS: dict[str, Any] = {"kind": "count", "match": {"event": "lesson"}, "target": 2}


def publish(*written: dict[str, Any], at: datetime = LIVE, tiers: Iterable[Any] = ()) -> None:
    document = {
        "wallets": [{"key": "points", "name": "Points"}],
        "tiers": list(tiers),
        "challenges": list(written),
    }
    draft = programs.save_draft(document=document, by=SYSTEM, at=at)
    programs.publish(revision=draft, by=SYSTEM, at=at)


def happen(customer: Customer, name: str, *moments: datetime, prefix: str = "m", **properties: Any) -> None:
    """Ingest events of one customer and count them, as the outbox does."""
    batch = [
        NewEvent(
            f"{prefix}-{customer.pk}-{moment.isoformat()}", name, moment, str(customer), properties=properties
        )
        for moment in moments
    ]
    ingest.accept(batch=batch, by=SYSTEM, at=NOW)
    count_events([each.message_id for each in batch], min(moments), max(moments))


def count_events(message_ids: list[str], first_at: datetime, last_at: datetime) -> None:
    challenges.record_events(message_ids=message_ids, first_at=first_at, last_at=last_at, by=SYSTEM, at=NOW)


def count_orders(*order_ids: int) -> None:
    challenges.record_orders(order_ids, by=SYSTEM, at=NOW)


def progress_of(customer: Customer, key: str = "c") -> list[tuple[str, str, int]]:
    rows = ChallengeProgress.objects.filter(customer=customer, challenge_key=key).order_by("period")
    return list(rows.values_list("period", "state", "value"))

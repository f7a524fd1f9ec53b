"""Message triggers: an outbox row that the messaging side consumes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rewards.domain.effects import TriggerMessage
from rewards.queries.programs import PublishedRevision
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import NOTHING_REFUSED, Refused
from tenants.domain.actors import Actor
from tenants.services import outbox

TOPIC: Final = "rewards.message_triggered"


def carry_out(
    given: Sequence[Given[TriggerMessage]],
    *,
    published: PublishedRevision,
    by: Actor,
    at: datetime,
) -> Refused:
    """Publish one message a trigger and batch: the customers with the events that pulled it."""
    pulled: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in given:
        pulled[item.effect.trigger].append(
            {
                "customer_id": item.customer_id,
                "event_type": item.event_type,
                "event_id": item.event_id,
                "rule": item.effect.rule,
                "occurred_at": item.occurred_at.isoformat(),
            }
        )
    for trigger, customers in pulled.items():
        payload = {"trigger": trigger, "revision": published.number, "customers": customers}
        outbox.publish(topic=TOPIC, payload=payload, at=at)
    return NOTHING_REFUSED

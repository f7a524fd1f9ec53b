"""Effects that could not be carried out: told in the outbox and the log, and the rest goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import structlog

from rewards.services.effects.given import Given
from tenants.errors import DomainError
from tenants.services import outbox

log = structlog.get_logger(__name__)
TOPIC: Final = "rewards.effect_refused"


def tell(item: Given[Any], error: DomainError, *, at: datetime) -> None:
    """Say that an effect was refused: for whom, for which event and why."""
    payload = {
        "customer_id": item.customer_id,
        "event": f"{item.event_type}:{item.event_id}",
        "rule": item.effect.rule,
        "effect": type(item.effect).__name__,
        "code": error.code,
        "detail": error.detail,
    }
    log.warning("effect.refused", **payload)
    outbox.publish(topic=TOPIC, payload=payload, at=at)

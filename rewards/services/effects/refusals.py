"""Effects that could not be carried out: told in the decision, the outbox and the log; the rest goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import structlog

from rewards.services.effects.given import Given
from rewards.services.errors import Paused
from tenants.errors import DomainError
from tenants.services import outbox

log = structlog.get_logger(__name__)
TOPIC: Final = "rewards.effect_refused"


@dataclass(frozen=True, slots=True)
class Withheld:
    """One effect that was not carried out. What ``is_owed`` is made up for once its brake is released."""

    given: Given[Any]
    reason: str
    is_owed: bool

    @property
    def effect(self) -> str:
        """How the decision's record calls it."""
        return str(self.given.effect.recorded)

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"effect": self.effect, "reason": self.reason}
        return {**document, "owed": True} if self.is_owed else document


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused: whole events by their numbers, and single effects."""

    events: frozenset[int] = frozenset()
    effects: tuple[Withheld, ...] = ()

    def __add__(self, other: Self) -> Refused:
        return Refused(self.events | other.events, self.effects + other.effects)


NOTHING_REFUSED: Final = Refused()


def tell(item: Given[Any], error: DomainError, *, at: datetime) -> Withheld:
    """Say that an effect was refused: for whom, for which event and why."""
    withheld = Withheld(item, error.code, isinstance(error, Paused))
    payload = {
        "customer_id": item.customer_id,
        "event": f"{item.event_type}:{item.event_id}",
        "rule": item.effect.rule,
        "effect": type(item.effect).__name__,
        "code": error.code,
        "detail": error.detail,
        "is_owed": withheld.is_owed,
    }
    # The log calls its own message `event`.
    log.warning("effect.refused", payload=payload)
    outbox.publish(topic=TOPIC, payload=payload, at=at)
    return withheld

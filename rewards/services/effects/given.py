"""One effect, and the event of the customer it is given for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from rewards.services.ledger import Source

E = TypeVar("E")
RULE_SOURCE: Final = "rule"


class Given(NamedTuple, Generic[E]):
    """``event_type`` and ``event_id`` name the decision; with the rule they are unique for ever."""

    customer_id: int
    event_type: str
    event_id: int
    occurred_at: datetime
    effect: E

    def source_of(self, key: str) -> Source:
        """The permanent source of one thing, by its key, that one rule gave for one event."""
        effect: Any = self.effect
        return Source(RULE_SOURCE, f"{self.event_type}:{self.event_id}:{effect.rule}:{key}")

"""One effect, and the event of the customer it is given for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from rewards.domain.sources import rule_source
from rewards.services.ledger import Source

E = TypeVar("E")


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
        return Source(*rule_source(self.event_type, self.event_id, effect.rule, key))

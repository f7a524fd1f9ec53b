"""One effect, and the event of the customer it is given for."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

E = TypeVar("E")


class Given(NamedTuple, Generic[E]):
    """``event_type`` and ``event_id`` name the decision; with the rule they are unique for ever."""

    customer_id: int
    event_type: str
    event_id: int
    occurred_at: datetime
    effect: E

"""One page of history between deciding and posting: what is asked, and in which order it is carried out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from rewards.domain.facts import CustomerState, Due
from rewards.models import DecisionEvent
from rewards.queries.documents import Document
from rewards.services.evaluations import Decided


@dataclass(slots=True)
class Round:
    """What is carried out together: orders, then what returns take back, then what rules give for returns."""

    orders: list[Decided] = field(default_factory=list)
    returns: list[Document] = field(default_factory=list)
    asked: list[Decided] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """A page's events, in time order, on the way to their evaluations.

    Where rules answer to returns, what comes after a member's return waits for the next round, so that the
    member's postings keep their order.
    """

    asks_returns: bool
    due: list[Due] = field(default_factory=list)
    states: list[CustomerState] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _rounds: dict[int, Round] = field(default_factory=lambda: defaultdict(Round))
    _returns_so_far: Counter[int] = field(default_factory=Counter)

    def add(self, due: Due, state: CustomerState) -> None:
        """Let an event wait for its evaluation."""
        self.due.append(due)
        self.states.append(state)
        self._numbers.append(self._returns_so_far[due.customer_id])

    def add_return(self, document: Document) -> None:
        """Let a return wait to be taken back; what rules are asked about it was added before."""
        self._rounds[self._returns_so_far[document.customer_id]].returns.append(document)
        if self.asks_returns:
            self._returns_so_far[document.customer_id] += 1

    def rounds(self, decided: Iterable[Decided]) -> list[Round]:
        """Return what to carry out, one after the other; ``decided`` answers what was added, in its order."""
        for number, item in zip(self._numbers, decided, strict=True):
            found = self._rounds[number]
            (found.orders if item.due.event_type == DecisionEvent.ORDER else found.asked).append(item)
        return [self._rounds[number] for number in sorted(self._rounds)]

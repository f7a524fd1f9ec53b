"""What happened to one customer, newest first, merged from tables and from what other apps register."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest
from typing import Any

from crm.models import Event, Order, Return


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One entry; ``reference`` tells entries of one kind and moment apart."""

    at: datetime
    kind: str
    reference: str
    title: str
    amount_minor: int | None = None
    currency: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def position(self) -> Position:
        return (self.at, self.kind, self.reference)


Position = tuple[datetime, str, str]


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """``next_before`` continues after the last entry; None at the end."""

    entries: list[TimelineEntry]
    next_before: Position | None


# A source returns at least its newest ``limit`` entries not later than the moment, newest first.
TimelineSource = Callable[[int, datetime | None, int], list[TimelineEntry]]


def page(
    customer_id: int,
    *,
    before: Position | None = None,
    limit: int = 25,
    kinds: Collection[str] | None = None,
) -> TimelinePage:
    """Return the newest entries that stand after ``before`` in the order; one query a kind."""
    until = before[0] if before else None
    candidates = [
        entry
        for kind, source in _source_by_kind.items()
        if kinds is None or kind in kinds
        for entry in source(customer_id, until, limit + _SAME_MOMENT)
        if before is None or entry.position < before
    ]
    newest = nlargest(limit + 1, candidates, key=lambda entry: entry.position)
    entries = newest[:limit]
    return TimelinePage(entries, entries[-1].position if len(newest) > limit else None)


# How many entries of one kind may share the moment at which a page ends.
_SAME_MOMENT = 100


def _orders(customer_id: int, until: datetime | None, limit: int) -> list[TimelineEntry]:
    found = Order.objects.filter(customer_id=customer_id)
    if until is not None:
        found = found.filter(placed_at__lte=until)
    return [
        TimelineEntry(
            order.placed_at,
            "order",
            order.external_id,
            order.external_id,
            order.total_minor,
            order.currency,
            {"channel": order.channel, "id": str(order.public_id)},
        )
        for order in found.order_by("-placed_at", "-external_id")[:limit]
    ]


def _returns(customer_id: int, until: datetime | None, limit: int) -> list[TimelineEntry]:
    found = Return.objects.filter(customer_id=customer_id).select_related("order")
    if until is not None:
        found = found.filter(returned_at__lte=until)
    return [
        TimelineEntry(
            each.returned_at,
            "return",
            each.external_id,
            each.external_id,
            -each.total_minor,
            each.order.currency,
            {"order": each.order.external_id, "id": str(each.public_id)},
        )
        for each in found.order_by("-returned_at", "-external_id")[:limit]
    ]


def _events(customer_id: int, until: datetime | None, limit: int) -> list[TimelineEntry]:
    found = Event.objects.filter(customer_id=customer_id)
    if until is not None:
        found = found.filter(occurred_at__lte=until)
    return [
        TimelineEntry(event.occurred_at, "event", event.message_id, event.name, details=event.properties)
        for event in found.order_by("-occurred_at", "-message_id")[:limit]
    ]


_source_by_kind: dict[str, TimelineSource] = {"order": _orders, "return": _returns, "event": _events}


def register_source(kind: str, source: TimelineSource) -> None:
    """Add entries of another app to every timeline; registering a kind again replaces its source."""
    _source_by_kind[kind] = source


def kinds() -> list[str]:
    return sorted(_source_by_kind)

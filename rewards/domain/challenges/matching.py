"""From a document (an order or an event) to what it contributes to a goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, NamedTuple, Protocol

from crm.domain.rules import CustomerFacts, matches
from rewards.domain.challenges.definition import (
    THOUSANDTHS,
    DistinctGoal,
    EventMatch,
    Goal,
    Match,
    OrderAspect,
    OrderMatch,
    OrderMeasure,
    SequenceGoal,
    SetGoal,
    SumGoal,
)

ORDER: Final = "order"
EVENT: Final = "event"
_LONGEST_VALUE: Final = 200
_MOST_AMOUNT: Final = 10**15
# What counts as itself: one, of no value in particular.
_ONCE: Final = (("", 1),)


class Contribution(NamedTuple):
    """What one document adds to one part of a goal. Equal documents give equal contributions."""

    part: str
    source_type: str
    source_id: str
    value: str
    amount: int
    occurred_at: datetime


class OrderedLine(NamedTuple):
    """A product line, less what came back of it when the challenge takes returns into account."""

    sku: str
    category: str
    quantity: int
    amount_minor: int


class LineFacts(Protocol):
    """What goals ask of a line."""

    @property
    def sku(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def amount_minor(self) -> int: ...


class OrderFacts(NamedTuple):
    """An order as goals see it; ``total_minor`` is net of the same returns as the lines.

    Money is exchanged; ``is_unpriced`` is what nobody knows the worth of.
    """

    id: int
    customer_id: int
    placed_at: datetime
    total_minor: int
    channel: str
    lines: Sequence[LineFacts]
    currency: str = ""
    is_unpriced: bool = False


class EventFacts(NamedTuple):
    """An event as goals see it."""

    message_id: str
    customer_id: int
    name: str
    occurred_at: datetime
    properties: Mapping[str, Any]


Document = OrderFacts | EventFacts


class GoalReader:
    """Reads documents for one goal; what that asks of orders and of events is sorted out once."""

    __slots__ = ("_of_events", "_of_orders", "_zone")

    def __init__(self, goal: Goal, zone: tzinfo) -> None:
        self._zone = zone
        self._of_orders: list[tuple[str, OrderMatch, Goal | None]] = []
        self._of_events: list[tuple[str, EventMatch, Goal | None]] = []
        for part, match, of_part in _parts(goal):
            if isinstance(match, OrderMatch):
                self._of_orders.append((part, match, of_part))
            else:
                self._of_events.append((part, match, of_part))

    @property
    def asks_skus(self) -> bool:
        """Whether it matters which stock codes the lines of an order have."""
        return any(
            match.skus or (isinstance(goal, DistinctGoal) and goal.of == OrderAspect.SKU)
            for _part, match, goal in self._of_orders
        )

    def read_order(self, order: OrderFacts) -> list[Contribution]:
        """Return what an order adds; nothing when it does not match."""
        found = []
        for part, match, goal in self._of_orders:
            lines = _matching_lines(match, order, self._zone)
            if lines:
                source = str(order.id)
                for value, amount in _of_order(goal, match, order, lines):
                    found.append(Contribution(part, ORDER, source, value, amount, order.placed_at))
        return found

    def read_event(self, event: EventFacts) -> list[Contribution]:
        """Return what an event adds; nothing when it does not match."""
        found = []
        for part, match, goal in self._of_events:
            if _event_matches(match, event):
                for value, amount in _of_event(goal, event):
                    found.append(
                        Contribution(part, EVENT, event.message_id, value, amount, event.occurred_at)
                    )
        return found


def contributions(goal: Goal, document: Document, zone: tzinfo) -> list[Contribution]:
    """Return what ``document`` adds to ``goal``; nothing when it does not match."""
    reader = GoalReader(goal, zone)
    return reader.read_order(document) if isinstance(document, OrderFacts) else reader.read_event(document)


def _parts(goal: Goal) -> Iterator[tuple[str, Match, Goal | None]]:
    """Yield each part of a goal, with the goal that it has of its own."""
    if isinstance(goal, SequenceGoal):
        yield from ((step.key, step.match, None) for step in goal.steps)
    elif isinstance(goal, SetGoal):
        yield from ((task.key, task.goal.match, task.goal) for task in goal.tasks)
    else:
        yield "", goal.match, goal


def _event_matches(match: EventMatch, event: EventFacts) -> bool:
    if event.name != match.name:
        return False
    if match.where is None:
        return True
    return matches(match.where, CustomerFacts(attributes=event.properties, traits={}), event.occurred_at)


def _of_event(goal: Goal | None, event: EventFacts) -> Sequence[tuple[str, int]]:
    if isinstance(goal, SumGoal):
        amount = _thousandths(event.properties.get(goal.of))
        return [("", amount)] if amount else ()
    if isinstance(goal, DistinctGoal):
        value = event.properties.get(goal.of)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return [(str(value)[:_LONGEST_VALUE], 1)]
        return ()
    return _ONCE


def _thousandths(value: Any) -> int:
    """Read a number of an event; what is none, negative or absurd counts nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    number = Decimal(str(value))
    if not number.is_finite() or not 0 < number * THOUSANDTHS <= _MOST_AMOUNT:
        return 0
    return int((number * THOUSANDTHS).to_integral_value(ROUND_HALF_EVEN))


def _matching_lines(match: OrderMatch, order: OrderFacts, zone: tzinfo) -> list[LineFacts]:
    categories, skus = match.categories, match.skus
    lines = [
        line
        for line in order.lines
        if line.quantity > 0
        and (not categories or line.category in categories)
        and (not skus or line.sku in skus)
    ]
    if lines and match.where is not None:
        facts = CustomerFacts(attributes=order_properties(order, zone), traits={})
        if not matches(match.where, facts, order.placed_at):
            return []
    return lines


def order_properties(order: OrderFacts, zone: tzinfo) -> dict[str, Any]:
    """Return the facts a condition on an order can name; weekday is ISO, the hour local."""
    local = order.placed_at.astimezone(zone)
    return {
        **({} if order.is_unpriced else {"total_minor": order.total_minor}),
        "channel": order.channel,
        "currency": order.currency,
        "lines": len(order.lines),
        "weekday": local.isoweekday(),
        "hour": local.hour,
    }


def _of_order(
    goal: Goal | None, match: OrderMatch, order: OrderFacts, lines: list[LineFacts]
) -> Sequence[tuple[str, int]]:
    if isinstance(goal, SumGoal):
        if goal.of == OrderMeasure.UNITS:
            amount = sum(line.quantity for line in lines)
        elif match.names_lines:
            amount = sum(line.amount_minor for line in lines)
        else:
            amount = order.total_minor
        return [("", amount)] if amount > 0 else ()
    if isinstance(goal, DistinctGoal):
        return [(value[:_LONGEST_VALUE], 1) for value in sorted(_distinct_values(goal.of, order, lines))]
    return _ONCE


def _distinct_values(aspect: str, order: OrderFacts, lines: list[LineFacts]) -> set[str]:
    if aspect == OrderAspect.CHANNEL:
        return {order.channel} - {""}
    if aspect == OrderAspect.CATEGORY:
        return {line.category for line in lines} - {""}
    return {line.sku for line in lines}

"""From a document (an order or an event) to what it contributes to a goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, NamedTuple

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


class OrderFacts(NamedTuple):
    """An order as goals see it; ``total_minor`` is net of the same returns as the lines."""

    id: int
    customer_id: int
    placed_at: datetime
    total_minor: int
    channel: str
    lines: Sequence[OrderedLine]


class EventFacts(NamedTuple):
    """An event as goals see it."""

    message_id: str
    customer_id: int
    name: str
    occurred_at: datetime
    properties: Mapping[str, Any]


Document = OrderFacts | EventFacts


def contributions(goal: Goal, document: Document, zone: tzinfo) -> list[Contribution]:
    """Return what ``document`` adds to ``goal``; nothing when it does not match."""
    if isinstance(goal, SequenceGoal):
        return [
            each
            for step in goal.steps
            for each in _of_part(step.key, step.match, None, document, zone)
        ]  # fmt: skip
    if isinstance(goal, SetGoal):
        return [
            each
            for task in goal.tasks
            for each in _of_part(task.key, task.goal.match, task.goal, document, zone)
        ]
    return list(_of_part("", goal.match, goal, document, zone))


def _of_part(
    part: str, match: Match, goal: Goal | None, document: Document, zone: tzinfo
) -> Iterator[Contribution]:
    if isinstance(document, EventFacts):
        if isinstance(match, EventMatch) and _event_matches(match, document):
            for value, amount in _of_event(goal, document):
                yield Contribution(part, EVENT, document.message_id, value, amount, document.occurred_at)
        return
    if isinstance(match, OrderMatch):
        lines = _matching_lines(match, document, zone)
        if lines:
            for value, amount in _of_order(goal, match, document, lines):
                yield Contribution(part, ORDER, str(document.id), value, amount, document.placed_at)


def _event_matches(match: EventMatch, event: EventFacts) -> bool:
    if event.name != match.name:
        return False
    facts = CustomerFacts(attributes=event.properties, traits={})
    return match.where is None or matches(match.where, facts, event.occurred_at)


def _of_event(goal: Goal | None, event: EventFacts) -> Iterator[tuple[str, int]]:
    if isinstance(goal, SumGoal):
        amount = _thousandths(event.properties.get(goal.of))
        if amount:
            yield "", amount
    elif isinstance(goal, DistinctGoal):
        value = event.properties.get(goal.of)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            yield str(value)[:_LONGEST_VALUE], 1
    else:
        yield "", 1


def _thousandths(value: Any) -> int:
    """Read a number of an event; what is none, negative or absurd counts nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    number = Decimal(str(value))
    if not number.is_finite() or not 0 < number * THOUSANDTHS <= _MOST_AMOUNT:
        return 0
    return int((number * THOUSANDTHS).to_integral_value(ROUND_HALF_EVEN))


def _matching_lines(match: OrderMatch, order: OrderFacts, zone: tzinfo) -> list[OrderedLine]:
    lines = [
        line
        for line in order.lines
        if line.quantity > 0
        and (not match.categories or line.category in match.categories)
        and (not match.skus or line.sku in match.skus)
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
        "total_minor": order.total_minor,
        "channel": order.channel,
        "lines": len(order.lines),
        "weekday": local.isoweekday(),
        "hour": local.hour,
    }


def _of_order(
    goal: Goal | None, match: OrderMatch, order: OrderFacts, lines: list[OrderedLine]
) -> Iterator[tuple[str, int]]:
    if isinstance(goal, SumGoal):
        if goal.of == OrderMeasure.UNITS:
            amount = sum(line.quantity for line in lines)
        elif match.names_lines:
            amount = sum(line.amount_minor for line in lines)
        else:
            amount = order.total_minor
        if amount > 0:
            yield "", amount
    elif isinstance(goal, DistinctGoal):
        for value in sorted(_distinct_values(goal.of, order, lines)):
            yield value[:_LONGEST_VALUE], 1
    else:
        yield "", 1


def _distinct_values(aspect: str, order: OrderFacts, lines: list[OrderedLine]) -> set[str]:
    if aspect == OrderAspect.CHANNEL:
        return {order.channel} - {""}
    if aspect == OrderAspect.CATEGORY:
        return {line.category for line in lines} - {""}
    return {line.sku for line in lines}

"""What the engine knows: the event, the member the moment before it, and how facts are read from both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import Any, Final, NamedTuple, Protocol

from rewards.domain.budgets import Period
from rewards.domain.conditions import Condition, Fact, FactSource
from rewards.domain.exchange import Exchange, Exchanged
from rewards.domain.rules import Trigger

_FEBRUARY, _LEAP_DAY = 2, 29
# Sorts behind every order of the same moment.
LAST_ORDER: Final = 2**63 - 1
_AS_WRITTEN: Final = Exchange()


class Line(NamedTuple):
    """One product line of an order; what is empty was not asked for by any rule."""

    position: int
    category: str
    amount_minor: int
    quantity: int = 1
    item: str = ""
    subcategory: str = ""
    brand: str = ""
    attributes: Mapping[str, Any] = {}
    sku: str = ""


class Happening(NamedTuple):
    """What happened: an order with product lines, a return, an event by name, or a day of the calendar."""

    trigger: Trigger
    at: datetime
    name: str = ""
    total_minor: int = 0
    channel: str = ""
    lines: Sequence[Line] = ()
    properties: Mapping[str, Any] = {}
    currency: str = ""
    exchanged: Exchanged | None = None

    @property
    def is_unpriced(self) -> bool:
        """Whether nobody can say what the order's money is worth; it counts as nothing then."""
        return self.exchanged is not None and self.exchanged.rate is None


def order_placed(
    placed_at: datetime,
    total_minor: int,
    channel: str,
    lines: Sequence[Line],
    *,
    currency: str = "",
    exchange: Exchange = _AS_WRITTEN,
) -> Happening:
    """Return the event of an order; lines are the product lines only (postage and fees earn nothing).

    Money of another currency is exchanged.
    """
    exchanged = exchange.exchanged(currency)
    if exchanged is None:
        return Happening(
            Trigger.ORDER, placed_at, "", total_minor, channel, lines, {}, currency or exchange.own
        )  # fmt: skip
    worth = [line._replace(amount_minor=exchange.minor(line.amount_minor, currency)) for line in lines]
    total = exchange.minor(total_minor, currency)
    return Happening(Trigger.ORDER, placed_at, "", total, channel, worth, {}, currency, exchanged)


class Due(NamedTuple):
    """An event of a member that is to be decided; (type, id) is unique for ever.

    ``order_id`` is the order's own, so that it does not count itself among the orders before; ``source`` is
    the client's id of an event that is no document.
    """

    event_type: str
    event_id: int
    customer_id: int
    event: Happening
    order_id: int = LAST_ORDER
    source: str = ""


class Used(NamedTuple):
    """What a rule gave a member in a period."""

    points: int = 0
    times: int = 0


class Usage(Protocol):
    """What rules gave the member in the periods around the event, by (rule, period)."""

    def get(self, key: tuple[str, Period], default: Used, /) -> Used: ...


class Room(NamedTuple):
    """What is left of a budget in the period of the event; ``None`` is not limited."""

    points: int | None = None
    money_minor: int | None = None


class Rooms(Protocol):
    """What is left of budgets in the periods of the event, by budget."""

    def get(self, key: str, default: Room, /) -> Room: ...


class CustomerState(NamedTuple):
    """What is known of the member the moment before the event."""

    tier: str | None = None
    orders_before: int = 0
    qualifying_spend_minor: int = 0
    usage: Usage = {}
    rooms: Rooms = {}
    attributes: Mapping[str, Any] = {}
    traits: Mapping[str, float | str] = {}
    segments: frozenset[str] = frozenset()
    birth_on: date | None = None
    enrolled_on: date | None = None


class Context:
    """One evaluation's facts; local time and sums of money are worked out when first asked for."""

    __slots__ = ("_local", "_sums", "event", "state", "zone")

    def __init__(self, event: Happening, state: CustomerState, zone: tzinfo) -> None:
        self.event, self.state, self.zone = event, state, zone
        self._local: datetime | None = None
        self._sums: Sequence[int] | None = None

    @property
    def local(self) -> datetime:
        if self._local is None:
            self._local = self.event.at.astimezone(self.zone)
        return self._local

    @property
    def money_sums(self) -> Sequence[int]:
        """The money of the first line, the first two lines, and so on; a line below zero counts nothing."""
        if self._sums is None:
            self._sums = list(accumulate([max(line[2], 0) for line in self.event.lines]))
        return self._sums


def is_day_of_year(day: date, of: date | None) -> bool:
    """Whether ``day`` is the yearly return of ``of``; a leap day returns on 28 February of other years."""
    if of is None or day <= of:
        return False
    if (day.month, day.day) == (of.month, of.day):
        return True
    is_leap_day = (of.month, of.day) == (_FEBRUARY, _LEAP_DAY)
    return is_leap_day and (day + timedelta(days=1)).month == _FEBRUARY + 1 and day.month == _FEBRUARY


def _property(path: str) -> Callable[[Context], Any]:
    parts = path.split(".")

    def read(context: Context) -> Any:
        value: Any = context.event.properties
        for part in parts:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    return read


def _days_enrolled(context: Context) -> int | None:
    since = context.state.enrolled_on
    return None if since is None else (context.local.date() - since).days


_READERS: Final[Mapping[tuple[FactSource, str], Callable[[Context], Fact]]] = {
    (FactSource.ORDER, "total_minor"): lambda c: None if c.event.is_unpriced else c.event.total_minor,
    (FactSource.ORDER, "currency"): lambda c: c.event.currency,
    (FactSource.ORDER, "channel"): lambda c: c.event.channel,
    (FactSource.ORDER, "lines"): lambda c: len(c.event.lines),
    (FactSource.ORDER, "units"): lambda c: sum(line.quantity for line in c.event.lines),
    (FactSource.ORDER, "number"): lambda c: c.state.orders_before + 1,
    (FactSource.MEMBER, "tier"): lambda c: c.state.tier,
    (FactSource.MEMBER, "orders_before"): lambda c: c.state.orders_before,
    (FactSource.MEMBER, "qualifying_spend_minor"): lambda c: c.state.qualifying_spend_minor,
    (FactSource.MEMBER, "days_enrolled"): _days_enrolled,
    (FactSource.TIME, "weekday"): lambda c: c.local.isoweekday(),
    (FactSource.TIME, "hour"): lambda c: c.local.hour,
    (FactSource.TIME, "day"): lambda c: c.local.day,
    (FactSource.TIME, "month"): lambda c: c.local.month,
    (FactSource.TIME, "is_birthday"): lambda c: is_day_of_year(c.local.date(), c.state.birth_on),
    (FactSource.TIME, "is_anniversary"): lambda c: is_day_of_year(c.local.date(), c.state.enrolled_on),
}


def reader_of(condition: Condition) -> Callable[[Context], Any]:
    """Return how a condition's fact is read; those of lines and baskets are read elsewhere."""
    name = condition.name
    if condition.source is FactSource.ATTRIBUTE:
        return lambda c: c.state.attributes.get(name)
    if condition.source is FactSource.TRAIT:
        return lambda c: c.state.traits.get(name)
    if condition.source is FactSource.SEGMENT:
        return lambda c: name in c.state.segments
    if condition.source is FactSource.PROPERTY:
        return _property(name)
    return _READERS[condition.source, name]


_LINE_READERS: Final[Mapping[str, Callable[[Line], Fact]]] = {
    "category": lambda line: line.category,
    "subcategory": lambda line: line.subcategory,
    "brand": lambda line: line.brand,
    "item": lambda line: line.item,
    "quantity": lambda line: line.quantity,
    "amount_minor": lambda line: line.amount_minor,
}


def line_reader_of(condition: Condition) -> Callable[[Line], Any]:
    """Return how a condition reads its fact from a line."""
    name = condition.name
    if condition.source is FactSource.ITEM:
        return lambda line: line.attributes.get(name)
    return _LINE_READERS[name]

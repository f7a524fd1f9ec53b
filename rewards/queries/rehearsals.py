"""Past events, a day at a time, as a rehearsal plays them, and what was really decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from psycopg.types.datetime import TimestamptzLoader

from rewards.domain.decisions import Spent
from rewards.domain.engine import Engine
from rewards.domain.expiry import start_of_day
from rewards.domain.facts import Due, Happening, Line
from rewards.domain.rehearsals import Actual, ReturnedUnits
from rewards.domain.rules import Trigger
from rewards.domain.sources import event_number
from rewards.domain.usage import BudgetBook
from rewards.queries import documents, member_days
from tenants.scope import active_tenant_id

ORDER, RETURN, EVENT, MEMBER_DAY = 0, 1, 2, 3
_ORDERS = """
    SELECT o.placed_at, o.id, o.customer_id, o.total_minor, o.channel, l.positions, l.categories, l.amounts,
           l.quantities{columns}
    FROM crm_order o
    LEFT JOIN LATERAL (
        SELECT array_agg(l.position ORDER BY l.position) AS positions,
               array_agg(COALESCE(i.category, '') ORDER BY l.position) AS categories,
               array_agg(l.total_minor ORDER BY l.position) AS amounts,
               array_agg(l.quantity ORDER BY l.position) AS quantities{aggregates}
        FROM crm_orderline l LEFT JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = l.item_id
        WHERE l.tenant_id = %(tenant)s AND l.order_id = o.id AND l.kind = 'product'
    ) l ON true
    WHERE o.tenant_id = %(tenant)s AND o.customer_id IS NOT NULL
      AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
    ORDER BY o.placed_at, o.id
"""
_ITEM_COLUMNS = ", l.items, l.subcategories, l.brands, l.attributes"
_ITEM_AGGREGATES = """,
               array_agg(COALESCE(i.external_id, l.sku) ORDER BY l.position) AS items,
               array_agg(COALESCE(i.subcategory, '') ORDER BY l.position) AS subcategories,
               array_agg(COALESCE(i.brand, '') ORDER BY l.position) AS brands,
               array_agg(COALESCE(i.attributes, '{}')::text ORDER BY l.position) AS attributes"""
_HEADERS = """
    SELECT placed_at, id, customer_id, total_minor FROM crm_order
    WHERE tenant_id = %(tenant)s AND customer_id IS NOT NULL
      AND placed_at >= %(since)s AND placed_at < %(until)s
    ORDER BY placed_at, id
"""
_RETURNS = """
    SELECT r.returned_at, r.id, o.customer_id, r.order_id, r.total_minor,
           array_agg(ol.position), array_agg(ol.quantity), array_agg(l.quantity)
    FROM crm_return r
    JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = r.order_id AND o.customer_id IS NOT NULL
    LEFT JOIN crm_returnline l ON l.tenant_id = %(tenant)s AND l.parent_id = r.id
    LEFT JOIN crm_orderline ol ON ol.tenant_id = %(tenant)s AND ol.id = l.order_line_id
    WHERE r.tenant_id = %(tenant)s AND r.returned_at >= %(since)s AND r.returned_at < %(until)s
    GROUP BY r.returned_at, r.id, o.customer_id, r.order_id, r.total_minor
    ORDER BY r.returned_at, r.id
"""
_RETURNED_ORDERS = """
    SELECT DISTINCT order_id FROM crm_return
    WHERE tenant_id = %(tenant)s AND returned_at >= %(since)s AND returned_at < %(until)s
"""
_EVENTS = """
    SELECT e.occurred_at, e.message_id, e.customer_id, e.name, e.properties::text
    FROM crm_event e
    WHERE e.tenant_id = %(tenant)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
      AND e.name = ANY(%(names)s)
    ORDER BY e.occurred_at, e.message_id
"""
_RULES = """
    SELECT rule ->> 'rule', SUM((rule ->> 'points')::bigint)::bigint
    FROM rewards_decisionrecord d, jsonb_array_elements(d.record -> 'rules') AS rule
    WHERE d.tenant_id = %(tenant)s AND d.event_type <> 'return'
      AND d.occurred_at >= %(since)s AND d.occurred_at < %(until)s
    GROUP BY 1
"""
_MEMBERS = """
    SELECT customer_id, SUM(points)::bigint, SUM(points) FILTER (WHERE event_type <> 'return')::bigint
    FROM rewards_decisionrecord
    WHERE tenant_id = %(tenant)s AND occurred_at >= %(since)s AND occurred_at < %(until)s
    GROUP BY 1
"""
_WALLETS = """
    SELECT moved.wallet, SUM(moved.points)::bigint FROM (
        SELECT given.key AS wallet, given.value::bigint AS points
        FROM rewards_decisionrecord d, jsonb_each_text(COALESCE(d.record -> 'given', '{}')) AS given
        WHERE d.tenant_id = %(tenant)s AND d.occurred_at >= %(since)s AND d.occurred_at < %(until)s
        UNION ALL
        SELECT taken.key, -taken.value::bigint
        FROM rewards_decisionrecord d, jsonb_each_text(COALESCE(d.record -> 'taken', '{}')) AS taken
        WHERE d.tenant_id = %(tenant)s AND d.occurred_at >= %(since)s AND d.occurred_at < %(until)s
    ) AS moved
    GROUP BY 1
"""
_PAID = """
    SELECT occurred_at, (record -> 'budgets')::text FROM rewards_decisionrecord
    WHERE tenant_id = %(tenant)s AND occurred_at < %(since)s AND record -> 'budgets' IS NOT NULL
"""


class Returned(NamedTuple):
    """A return as the shadow ledger takes it."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    order_id: int
    total_minor: int
    units: list[ReturnedUnits]


class Played(NamedTuple):
    """An event to be decided, sorted like returns."""

    at: datetime
    kind: int
    id: int
    due: Due


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        # Django's own loader reads moments in Python; the driver's is compiled and says the same.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def orders(since: datetime, until: datetime, *, with_items: bool) -> list[Played]:
    """Return the orders of known customers with their lines, as events to decide."""
    columns, aggregates = (_ITEM_COLUMNS, _ITEM_AGGREGATES) if with_items else ("", "")
    statement = _ORDERS.format(columns=columns, aggregates=aggregates)
    played = []
    for at, order_id, customer_id, total, channel, *lines in _rows(statement, since=since, until=until):
        if lines[0] is None:
            found: list[Line] = []
        elif with_items:
            lines[-1] = [msgspec.json.decode(text) for text in lines[-1]]
            found = list(map(Line, *lines))
        else:
            found = list(map(Line, *lines))
        event = Happening(Trigger.ORDER, at, "", total, channel, found)
        played.append(Played(at, ORDER, order_id, Due("order", order_id, customer_id, event, order_id)))
    return played


def headers(since: datetime, until: datetime) -> list[tuple[datetime, int, int, int]]:
    """Return (moment, id, customer, total) of orders, to fill the windows before a rehearsal."""
    return [
        (at, order_id, customer_id, total)
        for at, order_id, customer_id, total in _rows(_HEADERS, since=since, until=until)
    ]


def returns(since: datetime, until: datetime) -> list[Returned]:
    """Return the returns of orders of known customers with the units they give back."""
    found = []
    for at, return_id, customer_id, order_id, total, *columns in _rows(_RETURNS, since=since, until=until):
        units = [
            ReturnedUnits(order_id, customer_id, position, bought, returned)
            for position, bought, returned in zip(*columns, strict=True)
            if position is not None
        ]
        found.append(Returned(at, RETURN, return_id, customer_id, order_id, total, units))
    return found


def asked_returns(returned: Sequence[Returned], engine: Engine) -> list[Played]:
    """Return the returns as events to decide, where rules answer to them; each after it was taken back."""
    if not returned or not engine.answers(Trigger.RETURN):
        return []
    due = documents.due_returns([item.id for item in returned])
    return [Played(item.event.at, RETURN, item.event_id, item) for item in due]


def returned_orders(since: datetime, until: datetime) -> frozenset[int]:
    """Return the ids of the orders that something is given back of in the span."""
    return frozenset(order_id for (order_id,) in _rows(_RETURNED_ORDERS, since=since, until=until))


def events(since: datetime, until: datetime, names: Collection[str]) -> list[Played]:
    """Return the events that rules answer to by their name."""
    if not names:
        return []
    decode = msgspec.json.decode
    return [
        Played(at, EVENT, number, Due("event", number, customer_id, Happening(
            Trigger.EVENT, at, name, properties=decode(properties)), source=message_id))
        for at, message_id, customer_id, name, properties in _rows(
            _EVENTS, since=since, until=until, names=sorted(names))
        for number in (event_number(message_id),)
    ]  # fmt: skip


def days_of_members(since: datetime, until: datetime, engine: Engine) -> list[Played]:
    """Return birthdays, anniversaries and joinings that rules answer to, of the members of today.

    Birthdays and anniversaries come with the start of the tenant's local day.
    """
    zone = engine.revision.time_zone
    found: list[tuple[datetime, Due]] = []
    for start in local_days(since, until, zone):
        day = start.astimezone(zone).date()
        if engine.answers(Trigger.BIRTHDAY):
            found += _due_on(Trigger.BIRTHDAY, member_days.birthdays(day), start, day.year)
        if engine.answers(Trigger.ANNIVERSARY):
            found += _due_on(Trigger.ANNIVERSARY, member_days.anniversaries(day, zone), start, day.year)
    if engine.answers(Trigger.ENROLMENT):
        # The query's span is open where ours is closed, at the first instant and at the last.
        instant = timedelta(microseconds=1)
        for customer_id, joined in member_days.enrolments(since - instant, until - instant):
            event = Happening(Trigger.ENROLMENT, joined)
            found.append((joined, Due(Trigger.ENROLMENT.value, customer_id, customer_id, event)))
    played = [Played(at, MEMBER_DAY, due.customer_id, due) for at, due in found]
    return sorted(played, key=lambda item: item[:3])


def local_days(since: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yield the starts of the local days that begin in the span."""
    day = since.astimezone(zone).date()
    while (start := start_of_day(day, zone)) < until:
        if start >= since:
            yield start
        day += timedelta(days=1)


def _due_on(trigger: Trigger, customer_ids: list[int], at: datetime, year: int) -> list[tuple[datetime, Due]]:
    return [
        (
            at,
            Due(trigger.value, member_days.number_of(customer_id, year), customer_id, Happening(trigger, at)),
        )
        for customer_id in customer_ids
    ]


def actual(since: datetime, until: datetime) -> Actual:
    """Return what was really decided about events of these days."""
    rules = {key: int(points) for key, points in _rows(_RULES, since=since, until=until) if points}
    members, given, total = {}, 0, 0
    for customer_id, points, earned in _rows(_MEMBERS, since=since, until=until):
        members[customer_id] = points
        given, total = given + (earned or 0), total + points
    wallets = dict(_rows(_WALLETS, since=since, until=until))
    return Actual(rules, members, given, given - total, wallets)


def budget_book(engine: Engine, since: datetime) -> BudgetBook:
    """Return the budgets with what decisions took from them before a moment."""
    names = engine.needs.budgets
    known = {budget.key: budget for budget in engine.revision.budgets if budget.key in names}
    book = BudgetBook(known, engine.revision.time_zone)
    if known:
        for at, paid in _paid(since):
            book.take(at, {key: spent for key, spent in paid.items() if key in known})
    return book


def _paid(since: datetime) -> Iterator[tuple[datetime, dict[str, Spent]]]:
    for at, text in _rows(_PAID, since=since):
        yield at, {key: Spent(*spent) for key, spent in msgspec.json.decode(text).items()}

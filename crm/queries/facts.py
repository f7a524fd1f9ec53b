"""What the rules of one customer are evaluated on, read for a handful of customers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from crm.domain.rules import (
    CustomerFacts,
    CustomerField,
    EventCount,
    EventFact,
    EventSequence,
    InSegment,
    Leaf,
    LineFact,
    OrderFact,
    Purchases,
    Rule,
    leaves,
)
from crm.models import Customer, Event, LineKind, Order, OrderLine, SegmentMember
from crm.queries import behaviour, rule_sources


def of_customer(customer: Customer, rule: Rule | None = None) -> CustomerFacts:
    """Return the facts of one customer; a rule says which history to read besides traits and totals."""
    return of_customers([customer], rule)[customer.pk]


def of_customers(customers: Sequence[Customer], rule: Rule | None = None) -> dict[int, CustomerFacts]:
    """Return the facts by customer: a fixed number of queries when their details are prefetched."""
    wanted = list(leaves(rule)) if rule is not None else []
    ids = [customer.pk for customer in customers]
    lent = rule_sources.values_of(ids)
    segments, histories = _segments(ids, wanted), behaviour.traits_of(ids)
    events, orders = _events(ids, wanted), _orders(ids, wanted)
    found = {}
    for customer in customers:
        summary, person = customer.order_summary, customer.person
        found[customer.pk] = CustomerFacts(
            attributes=customer.attributes,
            traits=_written(customer) | histories.get(customer.pk, {}),
            orders_count=summary.orders_count if summary else 0,
            revenue_minor=summary.revenue_minor if summary else 0,
            returned_minor=summary.returned_minor if summary else 0,
            first_order_at=summary.first_order_at if summary else None,
            last_order_at=summary.last_order_at if summary else None,
            public_id=str(customer.public_id),
            person={name: getattr(person, name) for name in _PERSONAL} if person else {},
            birth_on=person.birth_on if person else None,
            moments=_moments(customer),
            extras=lent[customer.pk],
            segments=frozenset(segments[customer.pk]),
            events=events[customer.pk],
            orders=orders[customer.pk],
        )
    return found


def _written(customer: Customer) -> dict[str, float | str]:
    return {each.name: each.value for each in customer.computed_traits.all() if each.value is not None}


_PERSONAL = ("city", "country", "postcode", "locale")


def _moments(customer: Customer) -> dict[str, datetime | None]:
    return {
        CustomerField.DAYS_SINCE_CREATED: customer.created_at,
        CustomerField.DAYS_SINCE_FIRST_SEEN: customer.first_seen_at,
        CustomerField.DAYS_SINCE_LAST_SEEN: customer.last_seen_at,
        CustomerField.DAYS_SINCE_JOINED: customer.member_since,
    }


def _segments(ids: list[int], wanted: Iterable[Leaf]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    keys = {leaf.key for leaf in wanted if isinstance(leaf, InSegment)}
    if keys:
        members = SegmentMember.objects.filter(customer__in=ids, segment__key__in=keys)
        for customer_id, key in members.values_list("customer_id", "segment__key"):
            found[customer_id].append(key)
    return found


def _events(ids: list[int], wanted: Iterable[Leaf]) -> dict[int, list[EventFact]]:
    found: dict[int, list[EventFact]] = defaultdict(list)
    names: set[str] = set()
    for leaf in wanted:
        if isinstance(leaf, EventCount):
            names.add(leaf.pattern.event)
        elif isinstance(leaf, EventSequence):
            names |= {leaf.first.event, leaf.then.event}
    if names:
        events = Event.objects.filter(customer__in=ids, name__in=names)
        for customer_id, *fields in events.values_list("customer_id", "name", "occurred_at", "properties"):
            found[customer_id].append(EventFact(*fields))
    return found


def _orders(ids: list[int], wanted: Iterable[Leaf]) -> dict[int, list[OrderFact]]:
    found: dict[int, list[OrderFact]] = defaultdict(list)
    if not any(isinstance(leaf, Purchases) for leaf in wanted):
        return found
    lines_by_order: dict[int, list[LineFact]] = defaultdict(list)
    lines = OrderLine.objects.filter(order__customer__in=ids, kind=LineKind.PRODUCT)
    for order_id, sku, quantity, total, category, brand in lines.values_list(
        "order_id", "sku", "quantity", "total_minor", "item__category", "item__brand"
    ):
        lines_by_order[order_id].append(LineFact(sku, quantity, total, category or "", brand or ""))
    orders = Order.objects.filter(customer__in=ids)
    for order_id, customer_id, placed_at, total in orders.values_list(
        "pk", "customer_id", "placed_at", "total_minor"
    ):
        found[customer_id].append(OrderFact(placed_at, total, tuple(lines_by_order[order_id])))
    return found

"""What the engine must know of members the moment before their events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

import msgspec
from django.db import connection

from crm.models import ComputedTrait, Customer, Person, SegmentMember
from crm.queries import survivors
from rewards.domain.budgets import Period
from rewards.domain.compiled_rules import Needs
from rewards.domain.engine import Engine
from rewards.domain.facts import CustomerState, Due
from rewards.domain.limits import all_rules
from rewards.domain.tiers import ROLLING_YEAR, standing
from rewards.domain.usage import UsageBook, window_start
from rewards.queries import exchange, tiers
from rewards.queries.exchange import own_minor
from tenants.scope import active_tenant_id

# An order's returns lower the order itself, as far as they had come by then.
_BEFORE = """
    SELECT t.number, COUNT(o.id),
           COALESCE(SUM({spent})
               FILTER (WHERE o.placed_at > t.happened_at - %(year)s), 0)::bigint
           - COALESCE((SELECT SUM({returned}) FROM crm_return r
                       JOIN crm_order ro ON ro.tenant_id = r.tenant_id AND ro.id = r.order_id
                       WHERE r.tenant_id = %(tenant)s AND ro.customer_id = t.customer_id
                         AND ro.placed_at > t.happened_at - %(year)s
                         AND r.returned_at < t.happened_at), 0)::bigint
    FROM unnest(%(orders)s::bigint[], %(customers)s::bigint[], %(moments)s::timestamptz[])
        WITH ORDINALITY AS t(order_id, customer_id, happened_at, number)
    LEFT JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.customer_id = t.customer_id
        AND (o.placed_at, o.id) < (t.happened_at, t.order_id)
    GROUP BY t.number, t.happened_at, t.customer_id
    ORDER BY t.number
"""
_WORTH = {"spent": own_minor("o.total_minor"), "returned": own_minor("r.total_minor", "ro.currency")}
_GIVEN = """
    SELECT d.customer_id, d.occurred_at, (d.record -> 'rules')::text,
           (d.record -> 'given')::text, (d.record -> 'lines')::text
    FROM rewards_decisionrecord d
    WHERE d.tenant_id = %(tenant)s AND d.event_type <> 'return'
      AND (%(since)s::timestamptz IS NULL OR d.occurred_at >= %(since)s)
      AND (%(before)s::timestamptz IS NULL OR d.occurred_at < %(before)s)
      AND (%(customers)s::bigint[] IS NULL OR d.customer_id = ANY(%(customers)s))
      AND (%(before_id)s::bigint IS NULL OR d.id < %(before_id)s)
      AND jsonb_typeof(d.record -> 'rules') = 'array'
"""

_decode = msgspec.json.decode


@dataclass(slots=True)
class MemberFacts:
    """What is known of one member now; only what the rules read is filled."""

    attributes: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, float | str] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    birth_on: date | None = None
    enrolled_on: date | None = None


def before(engine: Engine, due: Sequence[Due]) -> list[CustomerState]:
    """Return each event's member state, caps and budgets left out; earlier orders of the batch count."""
    if not due:
        return []
    parameters: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "orders": [item.order_id for item in due],
        "customers": [item.customer_id for item in due],
        "moments": [item.event.at for item in due],
        "year": ROLLING_YEAR,
        **exchange.parameters(engine.revision.exchange),
    }
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE.format(**_WORTH), parameters)
        known = cursor.fetchall()
    facts = member_facts(engine, {item.customer_id for item in due})
    held = _tiers_held(engine, due, [spend for _, _, spend in known])
    return [
        with_facts(
            CustomerState(tier=tier, orders_before=orders, qualifying_spend_minor=spend),
            facts[item.customer_id],
        )
        for item, tier, (_, orders, spend) in zip(due, held, known, strict=True)
    ]


def _tiers_held(engine: Engine, due: Sequence[Due], spends: Sequence[int]) -> list[str | None]:
    """Return the tier of each event's moment."""
    reached = [standing(engine.revision.tiers, spend).tier for spend in spends]
    keys = [tier.key if tier else None for tier in reached]
    return tiers.held_at(engine.revision, [(item.customer_id, item.event.at) for item in due], keys)


def with_facts(state: CustomerState, facts: MemberFacts) -> CustomerState:
    """Return the state with what is known of the member now."""
    return state._replace(
        attributes=facts.attributes,
        traits=facts.traits,
        segments=facts.segments,
        birth_on=facts.birth_on,
        enrolled_on=facts.enrolled_on,
    )


def member_facts(engine: Engine, customer_ids: Collection[int] | None) -> dict[int, MemberFacts]:
    """Return what the rules read of members (``None``: of all); a query for each kind they read."""
    needs = engine.needs
    found: dict[int, MemberFacts] = defaultdict(MemberFacts)
    narrowed = {} if customer_ids is None else {"customer_id__in": list(customer_ids)}
    if needs.attributes or needs.enrolment:
        _read_customers(found, needs, engine.revision.time_zone, customer_ids)
    if needs.birth:
        persons = Person.objects.filter(birth_on__isnull=False, **narrowed)
        for customer_id, birth_on in persons.values_list("customer_id", "birth_on"):
            found[customer_id].birth_on = birth_on
    if needs.traits:
        traits = ComputedTrait.objects.filter(name__in=list(needs.traits), **narrowed)
        for customer_id, name, number, text in traits.values_list("customer_id", "name", "number", "text"):
            found[customer_id].traits[name] = number if number is not None else text or ""
    if needs.segments:
        members = SegmentMember.objects.filter(segment__key__in=list(needs.segments), **narrowed)
        for customer_id, key in members.values_list("customer_id", "segment__key"):
            found[customer_id].segments |= {key}
    return found


def _read_customers(
    found: dict[int, MemberFacts], needs: Needs, zone: tzinfo, customer_ids: Collection[int] | None
) -> None:
    customers = Customer.objects.all()
    if customer_ids is not None:
        customers = customers.filter(pk__in=list(customer_ids))
    for customer_id, attributes, since in customers.values_list("pk", "attributes", "member_since"):
        facts = found[customer_id]
        if needs.attributes:
            facts.attributes = attributes
        facts.enrolled_on = since.astimezone(zone).date() if since else None


def usage_book(
    engine: Engine,
    *,
    since: datetime,
    customer_ids: Collection[int] | None = None,
    before_moment: datetime | None = None,
    before_id: int | None = None,
) -> UsageBook:
    """Return what rules gave members in the periods that reach to ``since`` or later.

    With ``before_id`` only what was decided before the decision with this number.
    """
    needs, zone = engine.needs, engine.revision.time_zone
    book = UsageBook(needs.periods_by_rule, zone)
    if not needs.periods_by_rule:
        return book
    periods = frozenset[Period]().union(*needs.periods_by_rule.values())
    starts = [window_start(period, since.astimezone(zone).date(), zone) for period in periods]
    # Decisions stay under the number they were made for; what a merged record got counts for its survivor.
    held = {} if customer_ids is None else survivors.holders(customer_ids)
    parameters = {
        "tenant": active_tenant_id(),
        "since": None if None in starts else min(start for start in starts if start is not None),
        "before": before_moment,
        "before_id": before_id,
        "customers": None if customer_ids is None else list(held),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, parameters)
        for holder_id, occurred_at, rules, given, lines in cursor.fetchall():
            customer_id = held.get(holder_id, holder_id)
            for rule in _decode(rules):
                if rule["points"] or rule.get("effects"):
                    book.add(customer_id, occurred_at, rule["rule"], rule["points"])
            for wallet, points in (_decode(given) if given else _sums(lines)).items():
                book.add(customer_id, occurred_at, all_rules(wallet), points)
    return book


def _sums(lines: str | None) -> dict[str, int]:
    """Return points by wallet of a record that was written without them."""
    found = _decode(lines) if lines else {}
    return {wallet: sum(by_line.values()) for wallet, by_line in found.items()}

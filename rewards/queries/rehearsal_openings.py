"""What a rehearsal begins with: members, spend, tiers and budgets as they were at a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from crm.models import ComputedTrait
from rewards.domain.budgets import Budget
from rewards.domain.decisions import Spent
from rewards.domain.engine import Engine
from rewards.domain.expiry import start_of_day
from rewards.domain.facts import CustomerState
from rewards.domain.programs import Revision
from rewards.domain.shadow_spending import Spending
from rewards.domain.tiers import ROLLING_YEAR
from rewards.domain.usage import BudgetBook, window_start
from rewards.models import LedgerTransaction
from rewards.queries import customer_states, exchange, gift_payments, tier_sql
from rewards.queries.exchange import own_minor
from tenants.scope import active_tenant, active_tenant_id

_INSTANT: Final = timedelta(microseconds=1)
# An order's returns lower the order itself, as far as they had come by then.
_SPENDING: Final = """
    WITH returned AS MATERIALIZED (
        SELECT r.order_id, SUM(r.total_minor) AS total FROM crm_return r
        WHERE r.tenant_id = %(tenant)s AND r.returned_at < %(since)s GROUP BY r.order_id)
    SELECT o.customer_id, COUNT(*), COALESCE(SUM({worth})
        FILTER (WHERE o.placed_at > %(year_ago)s), 0)::bigint
    FROM crm_order o LEFT JOIN returned back ON back.order_id = o.id
    WHERE o.tenant_id = %(tenant)s AND o.customer_id IS NOT NULL AND o.placed_at < %(since)s
    GROUP BY o.customer_id
"""
_WORTH: Final = own_minor("o.total_minor - COALESCE(back.total, 0)")
_PAID: Final = """
    SELECT (d.occurred_at AT TIME ZONE %(zone)s)::date, paid.key, SUM((paid.value ->> 0)::bigint)::bigint,
           SUM((paid.value ->> 1)::bigint)::bigint
    FROM rewards_decisionrecord d, jsonb_each(d.record -> 'budgets') AS paid
    WHERE d.tenant_id = %(tenant)s AND d.occurred_at < %(since)s AND d.record -> 'budgets' IS NOT NULL
      AND (%(first)s::timestamptz IS NULL OR d.occurred_at >= %(first)s)
    GROUP BY 1, 2
"""


def spending(revision: Revision, since: datetime) -> Iterator[tuple[int, Spending]]:
    """Yield each customer's orders before a moment, and the spend of the 365 days that end with it."""
    statement, rates = _SPENDING.format(worth=_WORTH), exchange.parameters(revision.exchange)
    for customer_id, orders, spend in _rows(statement, since=since, year_ago=since - ROLLING_YEAR, **rates):
        yield customer_id, Spending(spend, orders)


def states(engine: Engine) -> Iterator[tuple[int, CustomerState]]:
    """Yield what rules read of members, as it is today."""
    if engine.needs.reads_members:
        empty = CustomerState()
        for customer_id, facts in customer_states.member_facts(engine, None).items():
            yield customer_id, customer_states.with_facts(empty, facts)


def amounts(revision: Revision, since: datetime) -> Iterator[tuple[int, list[int]]]:
    """Yield what the criteria measured of each member the moment before, below zero too."""
    first = revision.qualification.window_start(since, revision.time_zone)
    statement, parameters = tier_sql.measured(
        revision, since=first, at=since - _INSTANT, customer_ids=None, is_exact=True
    )
    yield from _rows(statement, **parameters)


def credits_before(
    revision: Revision, since: datetime, wallets: Collection[str]
) -> Iterator[tuple[int, datetime, str, int]]:
    """Yield (customer, moment, wallet, points) of the credits in the window before a moment, oldest first."""
    first = revision.qualification.window_start(since, revision.time_zone)
    rows = LedgerTransaction.objects.filter(
        tier_sql.COUNTED_CREDITS, account__wallet__key__in=wallets, occurred_at__gte=first,
        occurred_at__lt=since,
    ).order_by("occurred_at", "id")  # fmt: skip
    fields = ("account__customer_id", "occurred_at", "account__wallet__key", "points")
    yield from rows.values_list(*fields).iterator(chunk_size=10_000)


def traits(names: Collection[str]) -> dict[int, dict[str, float | str]]:
    """Return the numbers of some traits by customer and name, as they are today."""
    found: dict[int, dict[str, float | str]] = {}
    rows = ComputedTrait.objects.filter(name__in=list(names), number__isnull=False)
    for customer_id, name, number in rows.values_list("customer_id", "name", "number"):
        if number is not None:
            found.setdefault(customer_id, {})[name] = number
    return found


def budget_book(engine: Engine, since: datetime) -> BudgetBook:
    """Return the budgets with what decisions and challenges took from them before a moment."""
    names = engine.needs.budgets | {each.budget for each in engine.revision.challenges}
    known = {budget.key: budget for budget in engine.revision.budgets if budget.key in names}
    zone = engine.revision.time_zone
    book = BudgetBook(known, zone)
    if known:
        first = _first_day(known, engine, since)
        rows = _rows(_PAID, since=since, first=first, zone=active_tenant().time_zone)
        for day, key, points, money in rows:
            if key in known:
                book.take(start_of_day(day, zone), {key: Spent(points, money)})
        for at, key, spent in gift_payments.between(first, since, zone):
            if key in known:
                book.take(at, {key: spent})
    return book


def _first_day(budgets: dict[str, Budget], engine: Engine, since: datetime) -> datetime | None:
    """Return where the longest period around a moment begins; ``None`` where one has no beginning."""
    zone = engine.revision.time_zone
    day = since.astimezone(zone).date()
    starts = [window_start(budget.period, day, zone) for budget in budgets.values()]
    known = [start for start in starts if start is not None]
    return min(known) if len(known) == len(starts) else None


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows

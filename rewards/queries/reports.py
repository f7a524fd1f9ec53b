"""Figures of the points ledger for the back office."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet, Sum

from crm.models import Event, Order, Return
from crm.queries import survivors
from rewards.domain.sources import event_number
from rewards.models import Account, DecisionEvent, DecisionRecord
from tenants.scope import active_tenant, active_tenant_id

_BY_MONTH = """
    SELECT date_trunc('month', occurred_at AT TIME ZONE %(zone)s)::date AS month,
           COALESCE(SUM(points) FILTER (WHERE kind IN ('earn', 'adjust')), 0)::bigint,
           COALESCE(-SUM(points) FILTER (WHERE kind IN ('redeem', 'reversal')), 0)::bigint,
           COALESCE(-SUM(points) FILTER (WHERE kind = 'expire'), 0)::bigint,
           COALESCE(-SUM(points) FILTER (WHERE kind = 'return'), 0)::bigint
    FROM rewards_ledgertransaction WHERE tenant_id = %(tenant)s GROUP BY 1 ORDER BY 1 DESC LIMIT %(months)s
"""
_BY_RULE = """
    SELECT rule ->> 'rule', SUM((rule ->> 'points')::bigint)::bigint, COUNT(DISTINCT d.customer_id)
    FROM rewards_decisionrecord d, jsonb_array_elements(d.record -> 'rules') AS rule
    WHERE d.tenant_id = %(tenant)s AND d.event_type = 'order' AND (rule ->> 'points')::bigint > 0
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class MonthOfPoints:
    """Points moved in one local month. Issued counts adjustments; redeemed is net of reversals."""

    month: date
    issued: int
    redeemed: int
    expired: int
    returned: int


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """What one rule gave, and to how many customers."""

    rule: str
    points: int
    customers: int


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def outstanding() -> int:
    """Return the points customers still have, held ones included."""
    total = Account.objects.aggregate(points=Sum(F("available") + F("held")))["points"]
    return int(total or 0)


def by_month(months: int = 12) -> list[MonthOfPoints]:
    """Return the latest months with postings, oldest first."""
    rows = _rows(_BY_MONTH, zone=active_tenant().time_zone, months=months)
    return [MonthOfPoints(*row) for row in reversed(rows)]


def top_rules(limit: int = 10) -> list[RuleFigures]:
    """Return the rules that gave the most points."""
    return [RuleFigures(*row) for row in _rows(_BY_RULE, limit=limit)]


@dataclass(frozen=True, slots=True)
class SourcedDecision:
    """A decision with what it is about, as clients name it; ``source`` is empty for a member's day.

    ``order`` is the order itself, or the one that a return gives back.
    """

    decision: DecisionRecord
    source: str
    order: Order | None

    @property
    def name(self) -> str:
        """The event's name."""
        return str(self.decision.record.get("event", ""))

    @property
    def record(self) -> dict[str, Any]:
        """What was stored, without our own number of the order."""
        return {name: value for name, value in self.decision.record.items() if name != "order_id"}


def sourced(rows: Sequence[DecisionRecord]) -> list[SourcedDecision]:
    """Return decisions with their sources, in two queries however many there are."""
    ids: dict[str, list[int]] = {kind: [] for kind in DecisionEvent.values}
    for row in rows:
        ids[row.event_type].append(row.event_id)
    orders = Order.objects.in_bulk(ids[DecisionEvent.ORDER])
    numbers = [*ids[DecisionEvent.RETURN], *ids[DecisionEvent.RETURNED]]
    returns = Return.objects.filter(pk__in=numbers).select_related("order").in_bulk()
    return [_sourced(row, orders, returns) for row in rows]


def _sourced(
    row: DecisionRecord, orders: Mapping[int, Order], returns: Mapping[int, Return]
) -> SourcedDecision:
    if order := orders.get(row.event_id) if row.event_type == DecisionEvent.ORDER else None:
        return SourcedDecision(row, order.external_id, order)
    is_return = row.event_type in {DecisionEvent.RETURN, DecisionEvent.RETURNED}
    if document := returns.get(row.event_id) if is_return else None:
        return SourcedDecision(row, document.external_id, document.order)
    return SourcedDecision(row, str(row.record.get("source", "")), None)


def decision_about(row: Order | Return | Event) -> DecisionRecord | None:
    """Return what rules decided about something when it was recorded."""
    if isinstance(row, Event):
        about = {"event_type": DecisionEvent.EVENT, "event_id": event_number(row.message_id)}
    else:
        kind = DecisionEvent.ORDER if isinstance(row, Order) else DecisionEvent.RETURNED
        about = {"event_type": kind, "event_id": row.pk}
    return DecisionRecord.objects.filter(**about).select_related("revision").first()


def decisions_of(customer_id: int) -> QuerySet[DecisionRecord]:
    """A customer's decision records, the latest first; those of merged records too."""
    ids = list(survivors.holders([customer_id]))
    found: QuerySet[DecisionRecord] = DecisionRecord.objects.filter(customer_id__in=ids)
    return found.select_related("revision").order_by("-occurred_at", "-id")

"""Figures of the points ledger for the back office."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet, Sum

from crm.queries import survivors
from rewards.models import Account, DecisionRecord
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


def decisions_of(customer_id: int) -> QuerySet[DecisionRecord]:
    """A customer's decision records, the latest first; those of merged records too."""
    ids = list(survivors.holders([customer_id]))
    found: QuerySet[DecisionRecord] = DecisionRecord.objects.filter(customer_id__in=ids)
    return found.select_related("revision").order_by("-occurred_at", "-id")

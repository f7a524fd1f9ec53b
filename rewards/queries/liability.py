"""What the program owes: points and money by wallet, age and tier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import F, Sum

from rewards.domain.wallets import WalletPolicy
from rewards.models import Account, LiabilitySnapshot
from rewards.queries import programs
from tenants.scope import active_tenant_id

# Months since the points were earned: the label says "up to".
AGES: Final = ("3", "6", "12", "24", "older")
# As of a moment by what is known now: lines say what happened when, whenever it was posted. The tier is
# the one that the history names last before it; a membership without a history counts from its beginning.
_AS_OF: Final = """
    WITH told AS (
        SELECT DISTINCT ON (c.customer_id) c.customer_id, c.to_key
        FROM rewards_tierchange c WHERE c.tenant_id = %(tenant)s AND c.changed_at < %(at)s
        ORDER BY c.customer_id, c.changed_at DESC, c.id DESC
    )
    SELECT w.key, COALESCE(t.to_key, m.tier_key, ''),
           CASE WHEN l.available_from > %(at)s - interval '3 months' THEN '3'
                WHEN l.available_from > %(at)s - interval '6 months' THEN '6'
                WHEN l.available_from > %(at)s - interval '12 months' THEN '12'
                WHEN l.available_from > %(at)s - interval '24 months' THEN '24' ELSE 'older' END,
           SUM(e.points)::bigint
    FROM (
        SELECT le.lot_id, SUM(le.points) AS points
        FROM rewards_ledgerentry le
        JOIN rewards_ledgertransaction lt ON lt.tenant_id = %(tenant)s AND lt.id = le.transaction_id
        WHERE le.tenant_id = %(tenant)s AND le.lot_id IS NOT NULL AND lt.occurred_at < %(at)s
        GROUP BY le.lot_id
    ) e
    JOIN rewards_lot l ON l.tenant_id = %(tenant)s AND l.id = e.lot_id
    JOIN rewards_account a ON a.tenant_id = %(tenant)s AND a.id = l.account_id
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    LEFT JOIN told t ON t.customer_id = a.customer_id
    LEFT JOIN rewards_tiermembership m ON m.tenant_id = %(tenant)s AND m.customer_id = a.customer_id
        AND m.since < %(at)s
    WHERE e.points > 0 AND (l.expires_at IS NULL OR l.expires_at > %(at)s)
    GROUP BY 1, 2, 3
"""
_NOW: Final = """
    SELECT w.key, COALESCE(t.tier_key, ''),
           CASE WHEN l.available_from > %(at)s - interval '3 months' THEN '3'
                WHEN l.available_from > %(at)s - interval '6 months' THEN '6'
                WHEN l.available_from > %(at)s - interval '12 months' THEN '12'
                WHEN l.available_from > %(at)s - interval '24 months' THEN '24' ELSE 'older' END,
           SUM(l.remaining)::bigint
    FROM rewards_lot l
    JOIN rewards_account a ON a.tenant_id = %(tenant)s AND a.id = l.account_id
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    LEFT JOIN rewards_tiermembership t ON t.tenant_id = %(tenant)s AND t.customer_id = a.customer_id
    WHERE l.tenant_id = %(tenant)s AND l.is_open AND (l.expires_at IS NULL OR l.expires_at > %(at)s)
    GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class LiabilityPart:
    """Open points of one wallet, tier (empty is none) and age, pending and held ones included.

    ``cost_minor`` is what they cost if all are spent, ``liability_minor`` with the expected share.
    """

    wallet: str
    tier: str
    age: str
    points: int
    cost_minor: int
    liability_minor: int


@dataclass(frozen=True, slots=True)
class LiabilitySum:
    """Parts added up under one name."""

    name: str
    points: int
    cost_minor: int
    liability_minor: int


def now(*, at: datetime) -> list[LiabilityPart]:
    """Return what is owed now, from the open lots."""
    return _parts(_NOW, at)


def as_of(moment: datetime) -> list[LiabilityPart]:
    """Return what was owed at a moment, by the tiers held then."""
    return _parts(_AS_OF, moment)


def at_month_end(end: date) -> list[LiabilityPart]:
    """Return the parts of a month end as they were stored; none where nothing is."""
    rows = LiabilitySnapshot.objects.filter(month_end=end).order_by("wallet__key", "tier_key", "age")
    found = rows.values_list("wallet__key", "tier_key", "age", "points", "cost_minor", "liability_minor")
    return [LiabilityPart(*row) for row in found]


def expected_minor() -> int:
    """Return the expected cost of all points now, from the balances alone: a figure for a first page."""
    published = programs.published()
    if published is None:
        return 0
    rows = Account.objects.values("wallet__key").annotate(points=Sum(F("available") + F("held")))
    policies = {policy.key: policy for policy in published.revision.wallets}
    return sum(
        policies[row["wallet__key"]].liability_minor(row["points"])
        for row in rows.order_by()
        if row["wallet__key"] in policies
    )


def _parts(statement: str, at: datetime) -> list[LiabilityPart]:
    published = programs.published()
    policies = {policy.key: policy for policy in published.revision.wallets} if published else {}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), "at": at})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [_part(policies.get(row[0]), *row) for row in sorted(rows)]


def _part(policy: WalletPolicy | None, wallet: str, tier: str, age: str, points: int) -> LiabilityPart:
    cost = policy.cost_minor(points) if policy else 0
    expected = policy.liability_minor(points) if policy else 0
    return LiabilityPart(wallet, tier, age, points, cost, expected)


def added_up(parts: Iterable[LiabilityPart], by: str, order: Sequence[str] = ()) -> list[LiabilitySum]:
    """Add parts up ``by`` "wallet", "tier" or "age", in ``order`` and then by name."""
    sums: dict[str, list[int]] = {}
    for part in parts:
        total = sums.setdefault(getattr(part, by), [0, 0, 0])
        for index, value in enumerate((part.points, part.cost_minor, part.liability_minor)):
            total[index] += value
    names = sorted(sums, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [LiabilitySum(name, *sums[name]) for name in names]


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """A stored month end, all wallets together."""

    month_end: date
    points: int
    liability_minor: int


def month_ends(limit: int = 24) -> list[MonthEnd]:
    """Return the latest stored month ends, oldest first."""
    rows = (
        LiabilitySnapshot.objects.values("month_end")
        .annotate(points=Sum("points"), liability_minor=Sum("liability_minor"))
        .order_by("-month_end")[:limit]
    )
    return [MonthEnd(**row) for row in reversed(rows)]

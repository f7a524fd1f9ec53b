"""The ledger's invariants as queries: each returns the rows that break it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import connection

from rewards.models import DecisionEvent
from tenants.scope import active_tenant_id


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken invariant; ``account_id`` is empty when no single account is to blame."""

    check: str
    account_id: int | None
    expected: int
    actual: int


_CHECKS: Final = {
    "balance_equals_entries": """
        SELECT a.id, COALESCE(e.points, 0), a.pending + a.available + a.held - a.debt FROM rewards_account a
        LEFT JOIN (SELECT account_id, SUM(points) AS points FROM rewards_ledgerentry
                   WHERE tenant_id = %(t)s GROUP BY 1) e ON e.account_id = a.id
        WHERE a.tenant_id = %(t)s
          AND a.pending + a.available + a.held - a.debt <> COALESCE(e.points, 0)""",
    "balance_equals_lots": """
        SELECT a.id, COALESCE(l.points, 0), a.pending + a.available + a.held FROM rewards_account a
        LEFT JOIN (SELECT account_id, SUM(remaining) AS points FROM rewards_lot
                   WHERE tenant_id = %(t)s GROUP BY 1) l ON l.account_id = a.id
        WHERE a.tenant_id = %(t)s AND a.pending + a.available + a.held <> COALESCE(l.points, 0)""",
    "pending_equals_pending_lots": """
        SELECT a.id, COALESCE(l.points, 0), a.pending FROM rewards_account a
        LEFT JOIN (SELECT account_id, SUM(remaining) AS points FROM rewards_lot
                   WHERE tenant_id = %(t)s AND is_open AND is_pending GROUP BY 1) l ON l.account_id = a.id
        WHERE a.tenant_id = %(t)s AND a.pending <> COALESCE(l.points, 0)""",
    "debt_equals_its_entries": """
        SELECT a.id, COALESCE(e.points, 0), a.debt FROM rewards_account a
        LEFT JOIN (SELECT account_id, -SUM(points) AS points FROM rewards_ledgerentry
                   WHERE tenant_id = %(t)s AND lot_id IS NULL GROUP BY 1) e
            ON e.account_id = a.id
        WHERE a.tenant_id = %(t)s AND a.debt <> COALESCE(e.points, 0)""",
    "nothing_left_behind_by_merges": """
        SELECT a.id, 0, a.pending + a.available + a.debt FROM rewards_account a
        WHERE a.tenant_id = %(t)s AND a.moved_to_id IS NOT NULL AND a.pending + a.available + a.debt <> 0""",
    "held_equals_open_holds": """
        SELECT a.id, COALESCE(h.points, 0), a.held FROM rewards_account a
        LEFT JOIN (SELECT account_id, SUM(points) AS points FROM rewards_hold
                   WHERE tenant_id = %(t)s AND state = 'open' GROUP BY 1) h ON h.account_id = a.id
        WHERE a.tenant_id = %(t)s AND a.held <> COALESCE(h.points, 0)""",
    "lot_held_equals_open_hold_lines": """
        SELECT l.account_id, COALESCE(h.points, 0), l.held FROM rewards_lot l
        LEFT JOIN (SELECT hl.lot_id, SUM(hl.points) AS points FROM rewards_holdline hl
                   JOIN rewards_hold h ON h.tenant_id = %(t)s AND h.id = hl.hold_id AND h.state = 'open'
                   WHERE hl.tenant_id = %(t)s GROUP BY 1) h ON h.lot_id = l.id
        WHERE l.tenant_id = %(t)s AND l.held <> COALESCE(h.points, 0)""",
    "lots_hold_what_they_may": """
        SELECT account_id, granted, remaining FROM rewards_lot
        WHERE tenant_id = %(t)s
          AND NOT (remaining BETWEEN held AND granted AND is_open = (remaining > 0))""",
    "lines_say_what_lots_held": """
        SELECT account_id, running, lot_remaining FROM (
            SELECT account_id, lot_remaining, SUM(points) OVER (PARTITION BY lot_id ORDER BY id) AS running
            FROM rewards_ledgerentry WHERE tenant_id = %(t)s AND lot_id IS NOT NULL
        ) lines WHERE running IS DISTINCT FROM lot_remaining""",
    "lot_equals_its_entries": """
        SELECT l.account_id, COALESCE(e.points, 0), l.remaining FROM rewards_lot l
        LEFT JOIN (SELECT lot_id, SUM(points) AS points FROM rewards_ledgerentry
                   WHERE tenant_id = %(t)s AND lot_id IS NOT NULL GROUP BY 1) e ON e.lot_id = l.id
        WHERE l.tenant_id = %(t)s AND l.remaining <> COALESCE(e.points, 0)""",
    "entries_numbered_without_gap": """
        SELECT a.id, a.seq, COALESCE(e.entries, 0) FROM rewards_account a
        LEFT JOIN (SELECT account_id, COUNT(*) AS entries, MAX(seq) AS last, MIN(seq) AS first
                   FROM rewards_ledgerentry WHERE tenant_id = %(t)s GROUP BY 1) e
            ON e.account_id = a.id
        WHERE a.tenant_id = %(t)s
          AND (a.seq <> COALESCE(e.entries, 0) OR a.seq <> COALESCE(e.last, 0) OR e.first <> 1)""",
    "running_balance_adds_up": """
        SELECT account_id, running, balance_after FROM (
            SELECT account_id, balance_after,
                   SUM(points) OVER (PARTITION BY account_id ORDER BY seq) AS running
            FROM rewards_ledgerentry WHERE tenant_id = %(t)s
        ) lines WHERE running <> balance_after""",
    "transaction_sums_to_zero": """
        SELECT t.account_id, t.points, COALESCE(SUM(e.points), 0) FROM rewards_ledgertransaction t
        LEFT JOIN rewards_ledgerentry e ON e.tenant_id = %(t)s AND e.transaction_id = t.id
        WHERE t.tenant_id = %(t)s
        GROUP BY t.id, t.account_id, t.points
        HAVING COUNT(e.id) = 0 OR SUM(e.points) <> t.points OR bool_or(e.account_id <> t.account_id)""",
    "reversed_at_most_once": """
        SELECT MIN(r.account_id), 1, COUNT(*) FROM rewards_ledgertransaction r
        JOIN rewards_ledgertransaction o ON o.tenant_id = %(t)s AND o.id = r.reverses_id
        WHERE r.tenant_id = %(t)s GROUP BY r.reverses_id
        HAVING COUNT(*) > 1 OR ABS(SUM(r.points)) > MIN(ABS(o.points))
            OR SIGN(SUM(r.points)) = SIGN(MIN(o.points))""",
    "decisions_equal_postings": """
        SELECT p.account_id, COALESCE(d.points, 0), COALESCE(p.points, 0)
        FROM (SELECT event_type, event_id, points FROM rewards_decisionrecord
              WHERE tenant_id = %(t)s AND points <> 0) d
        FULL JOIN (SELECT source_type, split_part(source_id, ':', 1)::bigint AS event_id,
                          SUM(points) AS points, MIN(account_id) AS account_id
                   FROM rewards_ledgertransaction
                   WHERE tenant_id = %(t)s AND source_type = ANY (%(decided)s) GROUP BY 1, 2) p
            ON p.source_type = d.event_type AND p.event_id = d.event_id
        WHERE d.points IS DISTINCT FROM p.points""",
}
CHECKS: Final = tuple(_CHECKS)


def findings() -> Iterator[Finding]:
    """Yield every broken invariant of the tenant's ledger."""
    with connection.cursor() as cursor:
        for check, statement in _CHECKS.items():
            cursor.execute(statement, {"t": active_tenant_id(), "decided": DecisionEvent.values})
            for account_id, expected, actual in cursor.fetchall():
                yield Finding(check, account_id, int(expected), int(actual))

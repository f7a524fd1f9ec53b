"""What was really decided in some days, and where the live revision has members, beside a rehearsal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from rewards.domain.engine import Engine
from rewards.domain.rehearsal_reports import Actual
from rewards.queries import rehearsal_challenge_actuals, rehearsal_lots, rehearsal_standings
from tenants.scope import active_tenant_id

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


def actual(live: Engine | None, since: datetime, until: datetime) -> Actual:
    """Return what events and challenges of these days really gave, and the tiers that a night then left."""
    rules = {key: int(points) for key, points in _rows(_RULES, since=since, until=until) if points}
    members: dict[int, int] = {}
    given = total = 0
    for customer_id, points, earned in _rows(_MEMBERS, since=since, until=until):
        members[customer_id] = points
        given, total = given + (earned or 0), total + points
    wallets = dict(_rows(_WALLETS, since=since, until=until))
    moved = rehearsal_challenge_actuals.points(since, until)
    for each in moved:
        kept = each.given - each.taken
        members[each.customer_id] = members.get(each.customer_id, 0) + kept
        wallets[each.wallet] = wallets.get(each.wallet, 0) + kept
        given, total = given + each.given, total + kept
    tiers = rehearsal_standings.after_a_night(live, until) if live else {}
    challenges = rehearsal_challenge_actuals.of_challenges(live, moved, since, until)
    return Actual(
        rules, members, given, given - total, wallets, tiers, rehearsal_lots.outstanding(until), challenges
    )


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows

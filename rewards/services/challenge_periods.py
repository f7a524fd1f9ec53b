"""Writing the periods of challenges, many in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import connection

from rewards.domain.challenges.changes import Kept
from rewards.domain.challenges.participation import Pair
from rewards.domain.challenges.periods import LATEST
from tenants.scope import active_tenant_id

Place = tuple[Pair, str]
_WRITE: Final = """
    INSERT INTO rewards_challengeprogress (
        tenant_id, customer_id, challenge_key, period, state, value, target, value_by_task, milestones,
        grants, round, starts_at, ends_at, completed_at, rewarded_at, updated_at)
    SELECT %(tenant)s, t.customer_id, t.challenge_key, t.period, t.state, t.value, t.target, t.tasks::jsonb,
           t.milestones::bigint[], t.grants::jsonb, t.round, t.starts_at, t.ends_at, t.completed_at,
           t.rewarded_at, %(at)s
    FROM unnest(
        %(customer_id)s::bigint[], %(challenge_key)s::text[], %(period)s::text[], %(state)s::text[],
        %(value)s::bigint[], %(target)s::bigint[], %(tasks)s::text[], %(milestones)s::text[],
        %(grants)s::text[], %(round)s::int[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[],
        %(completed_at)s::timestamptz[], %(rewarded_at)s::timestamptz[])
        AS t(customer_id, challenge_key, period, state, value, target, tasks, milestones, grants, round,
             starts_at, ends_at, completed_at, rewarded_at)
    ON CONFLICT (tenant_id, customer_id, challenge_key, period) DO UPDATE SET
        state = excluded.state, value = excluded.value, target = excluded.target,
        value_by_task = excluded.value_by_task, milestones = excluded.milestones, grants = excluded.grants,
        round = excluded.round, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
        completed_at = excluded.completed_at, rewarded_at = excluded.rewarded_at,
        updated_at = excluded.updated_at
"""


def write(periods: Mapping[Place, Kept], at: datetime) -> None:
    """Store periods as they are now."""
    if not periods:
        return
    rows = [_columns(pair, period, kept) for (pair, period), kept in periods.items()]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {"tenant": active_tenant_id(), "at": at, **columns})


def _columns(pair: Pair, period: str, kept: Kept) -> dict[str, object]:
    stored = kept.stored
    return {
        **pair._asdict(),
        "period": period,
        "state": stored.state.value,
        "value": kept.value,
        "target": stored.target,
        "tasks": json.dumps(dict(kept.value_by_task), sort_keys=True),
        "milestones": "{" + ",".join(map(str, sorted(stored.milestones))) + "}",
        "grants": json.dumps([grant.to_json() for grant in kept.grants]),
        "round": stored.round,
        "starts_at": kept.span.starts_at,
        "ends_at": None if kept.span.ends_at == LATEST else kept.span.ends_at,
        "completed_at": stored.completed_at,
        "rewarded_at": kept.rewarded_at,
    }

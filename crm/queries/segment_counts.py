"""How many customers a rule would take, without making a segment of it: guessed at once, then counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from crm.domain.rules import Rule
from crm.queries import segment_sql
from tenants.scope import active_tenant

SAMPLE = 3_000
# Below this counting is as fast as guessing.
FEW = 6_000
_TWO_SIGMAS = 1.96
# Ids at even steps from the first to the last, each shifted within its step, for ids may have a rhythm of
# their own; the next customer at or after each stands for it.
_SAMPLE = """
SELECT DISTINCT near.id FROM (
    SELECT (SELECT min(id) FROM crm_customer WHERE tenant_id = %(tenant)s) AS lowest,
           (SELECT max(id) FROM crm_customer WHERE tenant_id = %(tenant)s) AS highest
) ends, generate_series(0, %(size)s - 1) step, LATERAL (
    SELECT c.id FROM crm_customer c
    WHERE c.tenant_id = %(tenant)s AND c.id >= ends.lowest + floor((ends.highest - ends.lowest)
        * (step + (hashint8(step::bigint) & 65535) / 65536.0) / %(size)s)::bigint
    ORDER BY c.id LIMIT 1
) near
"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A count, with the half-width of its 95 % interval; zero when it is exact."""

    count: int
    margin: int

    @property
    def is_exact(self) -> bool:
        return self.margin == 0


def estimate(rule: Rule, *, at: datetime) -> Estimate:
    """Return how many customers match, from a sample of them; a small tenant is counted."""
    total = _planned_rows(active_tenant().pk)
    if total <= FEW:
        return Estimate(count_matching(rule, at=at), 0)
    ids = _sample(active_tenant().pk)
    share = _count(rule, at, ids) / len(ids)
    # Nobody in the sample still leaves three in its size, with 95 % confidence.
    error = _TWO_SIGMAS * sqrt(share * (1 - share) / len(ids)) if 0 < share < 1 else 3 / len(ids)
    return Estimate(round(share * total), max(1, round(error * total)))


def count_matching(rule: Rule, *, at: datetime) -> int:
    """Return the exact number."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
    return _count(rule, at, None)


def sample_members(rule: Rule, *, at: datetime, limit: int) -> list[int]:
    """Return some customers who match, from the sample; perhaps fewer than there are."""
    tenant = active_tenant()
    statement, params = segment_sql.matching(
        rule, tenant_id=tenant.pk, at=at, zone=tenant.zone, only=_sample(tenant.pk)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({statement}) matched LIMIT %s", [*params, limit])  # noqa: S608 - compiled with parameters
        return [row[0] for row in cursor.fetchall()]


def _count(rule: Rule, at: datetime, ids: list[int] | None) -> int:
    tenant = active_tenant()
    statement, params = segment_sql.matching(rule, tenant_id=tenant.pk, at=at, zone=tenant.zone, only=ids)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({statement}) matched", params)  # noqa: S608 - compiled with parameters
        return int(cursor.fetchone()[0])


def _planned_rows(tenant_id: int) -> int:
    """Return how many customers the planner's statistics promise: counting a million takes too long here."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) SELECT FROM crm_customer WHERE tenant_id = %s", [tenant_id])
        plan = cursor.fetchone()[0]
    found = json.loads(plan) if isinstance(plan, str) else plan
    return int(found[0]["Plan"]["Plan Rows"])


def _sample(tenant_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, {"tenant": tenant_id, "size": SAMPLE})
        return [row[0] for row in cursor.fetchall()]


def count_in_time(rule: Rule, *, at: datetime, patience: str) -> Estimate:
    """Return the exact number, or the estimate when counting takes longer than ``patience`` (``10s``)."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [patience])
            found = Estimate(count_matching(rule, at=at), 0)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return estimate(rule, at=at)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    return found

"""Qualification as SQL over all customers at once: the values of every criterion, and the tier they reach.

Agrees with `rewards.domain.qualification`. Values travel as parameters; what is formatted into the statement
are numbers of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from rewards.domain.programs import Revision
from rewards.domain.qualification import Combination, Criterion, Metric, Qualification
from rewards.domain.tiers import Tier
from rewards.models import TransactionKind
from rewards.queries import exchange
from rewards.queries.exchange import own_minor
from tenants.scope import active_tenant_id

_WORTH: Final = own_minor("o.total_minor - COALESCE(back.total, 0)")
# Net of returns: what was given back of an order counts against that order, whenever it came back.
_SPEND: Final = """
    SELECT o.customer_id, SUM({worth})::bigint AS value
    FROM crm_order o
    LEFT JOIN (
        WITH returned AS MATERIALIZED (
            SELECT r.order_id, SUM(r.total_minor) AS total FROM crm_return r
            WHERE r.tenant_id = %(tenant)s AND r.returned_at <= %(at)s {of_returns} GROUP BY r.order_id)
        SELECT * FROM returned
    ) back ON back.order_id = o.id
    WHERE o.tenant_id = %(tenant)s AND o.placed_at {after} %(since)s AND o.placed_at <= %(at)s {of_orders}
    GROUP BY o.customer_id
"""
_ORDERS: Final = """
    SELECT o.customer_id, COUNT(*) AS value FROM crm_order o
    WHERE o.tenant_id = %(tenant)s AND o.placed_at {after} %(since)s AND o.placed_at <= %(at)s {of_orders}
      AND NOT EXISTS (
        SELECT FROM crm_return r WHERE r.tenant_id = %(tenant)s AND r.order_id = o.id
          AND r.returned_at <= %(at)s
        HAVING SUM(r.total_minor) >= o.total_minor AND o.total_minor > 0)
    GROUP BY o.customer_id
"""
# Credits and what corrects them; spending, expiry and holds are no part of it. Once more for who reads them
# one by one.
COUNTED_CREDITS: Final = Q(
    kind__in=(TransactionKind.EARN, TransactionKind.ADJUST, TransactionKind.RETURN)
) | Q(kind=TransactionKind.REVERSAL, points__lt=0)
_POINTS: Final = """
    SELECT a.customer_id, SUM(t.points)::bigint AS value
    FROM rewards_account a
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id AND w.key = %(name_{n})s
    JOIN rewards_ledgertransaction t ON t.tenant_id = %(tenant)s AND t.account_id = a.id
    WHERE a.tenant_id = %(tenant)s AND t.occurred_at {after} %(since)s AND t.occurred_at <= %(at)s
      AND (t.kind IN ('earn', 'adjust', 'return') OR (t.kind = 'reversal' AND t.points < 0)) {of_accounts}
    GROUP BY a.customer_id
"""
_EVENTS: Final = """
    SELECT e.customer_id, COUNT(*) AS value FROM crm_event e
    WHERE e.tenant_id = %(tenant)s AND e.name = %(name_{n})s AND e.occurred_at {after} %(since)s
      AND e.occurred_at <= %(at)s {of_events}
    GROUP BY e.customer_id
"""
_SCORE: Final = """
    SELECT c.id AS customer_id,
           GREATEST(LEAST(FLOOR(COALESCE(x.score, 0) + %(bias_{n})s::numeric), 1e15), 0)::bigint AS value
    FROM crm_customer c
    LEFT JOIN (
        SELECT t.customer_id, SUM(t.number::numeric * weight.value) AS score
        FROM unnest(%(traits_{n})s::text[], %(weights_{n})s::numeric[]) AS weight(name, value)
        JOIN crm_computedtrait t ON t.tenant_id = %(tenant)s AND t.name = weight.name COLLATE "C"
            AND t.number IS NOT NULL {of_traits}
        GROUP BY t.customer_id
    ) x ON x.customer_id = c.id
    WHERE c.tenant_id = %(tenant)s {of_all}
"""
_BY_METRIC: Final = {
    Metric.SPEND: _SPEND,
    Metric.ORDERS: _ORDERS,
    Metric.POINTS: _POINTS,
    Metric.EVENTS: _EVENTS,
    Metric.SCORE: _SCORE,
}
_MEASURED: Final = """
    SELECT c.id AS customer_id, ARRAY[{values}]::bigint[] AS amounts
    FROM crm_customer c {joins}
    WHERE c.tenant_id = %(tenant)s AND c.state IN ('active', 'suspended') {of_all}
"""
# Materialized, as returns are above: on the tables of a new tenant, without statistics, the planner counts on
# one customer, and would otherwise measure everybody once more for each of them.
_JOINED: Final = """
    LEFT JOIN (WITH measured AS MATERIALIZED ({statement}) SELECT * FROM measured) m{n}
        ON m{n}.customer_id = c.id
"""
_REACHED: Final = """
    SELECT measured.customer_id, measured.amounts, (CASE {cases} ELSE -1 END) AS place
    FROM ({measured}) measured
"""

# `rewards.domain.qualification.decide`, for everybody at once.
_DECIDED: Final = """
    SELECT r.customer_id, r.amounts, r.place, held.tier_key AS held_key, held.place AS held_place,
           held.valid_until, held.grace_until, held.locked_until, held.since, held.values AS held_values, (
        CASE
            WHEN held.locked_until > %(at)s THEN 'kept'
            WHEN held.is_dropped THEN 'remapped'
            WHEN r.place > held.place THEN CASE WHEN held.place < 0 THEN 'entered' ELSE 'upgraded' END
            WHEN r.place = held.place THEN
                CASE WHEN r.place >= 0 AND held.valid_until <= %(at)s THEN 'renewed' ELSE 'kept' END
            WHEN %(downgrade)s = 'none' OR held.valid_until > %(at)s OR held.grace_until > %(at)s THEN 'kept'
            WHEN held.grace_until IS NULL AND %(grace_end)s::timestamptz IS NOT NULL THEN 'grace'
            ELSE 'downgraded'
        END) AS move
    FROM ({reached}) r
    CROSS JOIN LATERAL (
        SELECT m.tier_key, m.valid_until, m.grace_until, m.locked_until, m.since, m.values,
               COALESCE(array_position(%(keys)s::text[], m.tier_key::text) - 1, -1) AS place,
               m.tier_key IS NOT NULL
                   AND array_position(%(keys)s::text[], m.tier_key::text) IS NULL AS is_dropped
        FROM (SELECT 1) one
        LEFT JOIN {held} m ON m.tenant_id = %(tenant)s AND m.customer_id = r.customer_id
    ) held
"""
_LANDED: Final = """
    SELECT l.*, CASE
            WHEN l.move IN ('entered', 'upgraded', 'renewed', 'remapped') THEN %(valid_end)s::timestamptz
            WHEN l.move = 'downgraded' AND l.landing = l.place THEN %(valid_end)s::timestamptz
            WHEN l.move = 'downgraded' THEN %(soft_end)s::timestamptz
            ELSE l.valid_until
        END AS safe_until, CASE
            WHEN l.move = 'grace' THEN %(grace_end)s::timestamptz
            WHEN l.move = 'kept' AND (l.place < l.held_place OR l.locked_until > %(at)s) THEN l.grace_until
        END AS spared_until
    FROM (
        SELECT d.*, CASE
                WHEN d.move IN ('entered', 'upgraded', 'renewed', 'remapped') THEN d.place
                WHEN d.move = 'downgraded' AND %(downgrade)s = 'single_step'
                    THEN GREATEST(d.place, d.held_place - 1)
                WHEN d.move = 'downgraded' THEN d.place
                ELSE d.held_place
            END AS landing
        FROM ({decided}) d
    ) l
"""


def reached(
    revision: Revision, *, at: datetime, customer_ids: Collection[int] | None
) -> tuple[str, dict[str, Any]]:
    """Return the statement (customer_id, amounts, place) for customers (``None``: all) and its parameters."""
    qualification = revision.qualification
    since = qualification.window_start(at, revision.time_zone)
    found, parameters = measured(revision, since=since, at=at, customer_ids=customer_ids)
    return _REACHED.format(cases=_cases(revision.tiers, qualification), measured=found), parameters


def measured(
    revision: Revision, *, since: datetime, at: datetime, customer_ids: Collection[int] | None,
    is_exact: bool = False,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Return the statement (customer_id, amounts) of a window and its parameters.

    Amounts below zero count as zero, unless they are to be counted on: ``is_exact``.
    """
    qualification = revision.qualification
    criteria = qualification.criteria
    parameters: dict[str, Any] = {
        **exchange.parameters(revision.exchange),
        "tenant": active_tenant_id(),
        "at": at,
        "since": since,
        "customers": None if customer_ids is None else list(customer_ids),
    }
    only = _restrictions(is_restricted=customer_ids is not None)
    # A rolling span of days excludes its first instant, as it always did; calendar periods begin with theirs.
    after = ">" if qualification.window.value == "rolling_days" else ">="
    joins = []
    for number, criterion in enumerate(criteria):
        statement = _BY_METRIC[criterion.metric].format(n=number, after=after, worth=_WORTH, **only)
        joins.append(_JOINED.format(statement=statement, n=number))
        parameters |= _named(criterion, number)
    value = "COALESCE(m{n}.value, 0)" if is_exact else "GREATEST(m{n}.value, 0)"
    values = ", ".join(value.format(n=number) for number in range(len(criteria)))
    return _MEASURED.format(values=values, joins="\n".join(joins), **only), parameters


def _restrictions(*, is_restricted: bool) -> Mapping[str, str]:
    columns = {
        "of_orders": "o.customer_id", "of_accounts": "a.customer_id", "of_events": "e.customer_id",
        "of_traits": "t.customer_id", "of_all": "c.id",
    }  # fmt: skip
    only = {
        name: f"AND {column} = ANY(%(customers)s)" if is_restricted else ""
        for name, column in columns.items()
    }
    of_returns = (
        "AND r.order_id IN (SELECT id FROM crm_order WHERE tenant_id = %(tenant)s"
        " AND customer_id = ANY(%(customers)s))"
    )
    return {**only, "of_returns": of_returns if is_restricted else ""}


def _named(criterion: Criterion, number: int) -> dict[str, Any]:
    if criterion.metric is Metric.SCORE:
        return {
            f"traits_{number}": list(criterion.weights),
            f"weights_{number}": list(criterion.weights.values()),
            f"bias_{number}": criterion.bias,
        }
    return {f"name_{number}": criterion.name}


def _cases(tiers: Sequence[Tier], qualification: Qualification) -> str:
    """Return WHEN branches from the highest tier down; there may be no tier at all."""
    joint = " OR " if qualification.combination is Combination.ANY else " AND "
    column_by_key = {
        criterion.key: number for number, criterion in enumerate(qualification.criteria, start=1)
    }
    branches = []
    for place in range(len(tiers) - 1, -1, -1):
        tests = [
            f"measured.amounts[{column_by_key[key]}] >= {int(need)}"
            for key, need in tiers[place].needs.items()
        ]
        branches.append(f"WHEN {joint.join(tests) or 'true'} THEN {place}")
    return " ".join(branches) or "WHEN false THEN -1"


def landed(
    revision: Revision, *, at: datetime, customer_ids: Collection[int] | None, held: str = ""
) -> tuple[str, dict[str, Any]]:
    """Return the statement of what becomes of each customer, and its parameters.

    ``held`` is a statement of other memberships than those of now.
    """
    qualification, zone = revision.qualification, revision.time_zone
    found, parameters = reached(revision, at=at, customer_ids=customer_ids)
    parameters |= {
        "keys": [tier.key for tier in revision.tiers],
        "downgrade": qualification.downgrade.value,
        "valid_end": qualification.valid_until(at, zone),
        "grace_end": qualification.days_from(at, zone, qualification.grace_days),
        "soft_end": qualification.days_from(at, zone, qualification.soft_landing_days),
    }
    decided = _DECIDED.format(reached=found, held=f"({held})" if held else "rewards_tiermembership")
    return _LANDED.format(decided=decided), parameters

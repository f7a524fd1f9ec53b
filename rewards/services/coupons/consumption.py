"""Taking and giving back uses, balances and counters: check and consume in one locked statement each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from rewards.domain.coupon_limits import Demand, key_of
from rewards.models import CouponUse
from rewards.services.coupons.errors import CouponsBusy
from tenants.scope import active_tenant_id

_STATE: Final = """CASE
    WHEN c.state IN ('void', 'expired') THEN c.state
    WHEN c.uses + w.uses >= c.uses_limit OR c.balance_minor - w.spent = 0 THEN 'exhausted'
    WHEN c.uses + w.uses > 0 THEN 'redeemed'
    WHEN c.customer_id IS NOT NULL THEN 'assigned' ELSE 'available' END"""
_MOVE_CODES: Final = f"""
UPDATE rewards_couponcode c
SET uses = c.uses + w.uses, balance_minor = c.balance_minor - w.spent, state = {_STATE}
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (id, uses, spent)
WHERE c.tenant_id = %s AND c.id = w.id
"""  # noqa: S608 - constants only
_ONLY_FREE: Final = """
  AND c.state IN ('available', 'assigned', 'redeemed', 'reserved')
  AND (c.uses_limit IS NULL OR c.uses + w.uses <= c.uses_limit)
  AND (c.balance_minor IS NULL OR c.balance_minor >= w.spent)
"""
# Rows are locked in the order of their keys, so two carts with the same limits never wait for each other.
_COUNT: Final = """
INSERT INTO rewards_couponcounter AS c (tenant_id, key, uses, discount_minor)
SELECT %s, w.key, w.uses, w.discount
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
  AS w (key, uses, discount, uses_limit, discount_limit)
WHERE (w.uses_limit IS NULL OR w.uses <= w.uses_limit)
  AND (w.discount_limit IS NULL OR w.discount <= w.discount_limit)
ORDER BY w.key
ON CONFLICT (tenant_id, key) DO UPDATE
SET uses = c.uses + excluded.uses, discount_minor = c.discount_minor + excluded.discount_minor
WHERE NOT EXISTS (
    SELECT FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS l (key, uses_limit, discount_limit)
    WHERE l.key = c.key
      AND (c.uses + excluded.uses > l.uses_limit
           OR c.discount_minor + excluded.discount_minor > l.discount_limit)
  )
RETURNING c.key
"""
_UNCOUNT: Final = """
UPDATE rewards_couponcounter c
SET uses = c.uses - w.uses, discount_minor = c.discount_minor - w.discount
FROM (SELECT l.id, w.uses, w.discount
      FROM rewards_couponcounter l
      JOIN unnest(%s::text[], %s::bigint[], %s::bigint[]) AS w (key, uses, discount) ON w.key = l.key
      WHERE l.tenant_id = %s ORDER BY l.key FOR UPDATE OF l) AS w
WHERE c.tenant_id = %s AND c.id = w.id
"""


@dataclass(frozen=True, slots=True)
class Taking:
    """One use of one code; ``spent_minor`` is what leaves a stored-value code's balance."""

    code_id: int
    spent_minor: int = 0


def take(takings: Sequence[Taking], demands: Sequence[Demand]) -> None:
    """Take the uses or nothing. Raises ``CouponsBusy`` when one of them is gone; the caller rolls back."""
    if _move(takings, sign=1, guard=_ONLY_FREE) != len(takings):
        raise CouponsBusy
    if not demands:
        return
    keys = [demand.key for demand in demands]
    limits = [[demand.uses_limit for demand in demands], [demand.discount_limit for demand in demands]]
    amounts = [[demand.uses for demand in demands], [demand.discount_minor for demand in demands]]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [active_tenant_id(), keys, *amounts, *limits, keys, *limits])
        if cursor.rowcount != len(demands):
            raise CouponsBusy


def give_back(uses: Sequence[CouponUse]) -> None:
    """Give back what these uses took: each counter, each code's use, each balance."""
    takings = [
        Taking(use.code_id, use.discount_minor if use.code.balance_minor is not None else 0)
        for use in uses
        if use.code.is_counted
    ]
    _move(takings, sign=-1)
    _uncount(
        (key_of(key, use.redemption.customer_id), count, discount)
        for use in uses
        for key, count, discount in use.counters
    )


def uncount(demands: Sequence[Demand]) -> None:
    """Give back what was counted for these demands."""
    _uncount((demand.key, demand.uses, demand.discount_minor) for demand in demands)


def _uncount(counted: Iterable[tuple[str, int, int]]) -> None:
    moved: dict[str, list[int]] = {}
    for key, count, discount in counted:
        sums = moved.setdefault(key, [0, 0])
        sums[0] += count
        sums[1] += discount
    if moved:
        keys = sorted(moved)
        tenant_id = active_tenant_id()
        amounts = [[moved[key][part] for key in keys] for part in (0, 1)]
        with connection.cursor() as cursor:
            cursor.execute(_UNCOUNT, [keys, *amounts, tenant_id, tenant_id])


def _move(takings: Sequence[Taking], *, sign: int, guard: str = "") -> int:
    if not takings:
        return 0
    ids = [taking.code_id for taking in takings]
    spent = [sign * taking.spent_minor for taking in takings]
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_CODES + guard, [ids, [sign] * len(ids), spent, active_tenant_id()])
        return int(cursor.rowcount)

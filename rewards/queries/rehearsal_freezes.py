"""Accounts that were frozen, as the audit log tells it: the accounts themselves only know what holds now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from rewards.domain.past import FROZEN, RESUMED, Frozen, Resumed
from rewards.queries.rehearsal_rows import rows

_FREEZES: Final = """
    SELECT e.at, e.id, a.customer_id, w.key, e.action = 'points.account_frozen'
    FROM tenants_auditentry e
    JOIN rewards_account a
        ON a.tenant_id = %(tenant)s AND a.id = e.target_id::bigint AND a.moved_to_id IS NULL
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    WHERE e.tenant_id = %(tenant)s AND e.target_type = 'rewards.account' AND e.at < %(until)s
      AND e.action IN ('points.account_frozen', 'points.account_unfrozen')
    ORDER BY e.at, e.id
"""
# What a frozen account refuses stays undecided until somebody posts the history.
_RESUMED: Final = """
    SELECT decided_at, id, event_type, event_id FROM rewards_decisionrecord
    WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(customers)s)
      AND decided_at >= %(since)s AND decided_at < %(until)s
      AND occurred_at >= %(since)s AND occurred_at < decided_at
    ORDER BY decided_at, id
"""


class Freezes(NamedTuple):
    """The accounts (customer, wallet) that were frozen at a moment, what happened after it, and to whose."""

    earlier: Collection[tuple[int, str]]
    happened: list[Frozen | Resumed]
    customer_ids: frozenset[int]


def between(since: datetime, until: datetime) -> Freezes:
    """Return the freezes of a span: those it began with, those that began or ended in it."""
    found = [Frozen(at, FROZEN, *values) for at, *values in rows(_FREEZES, until=until)]
    is_frozen = {(each.customer_id, each.wallet): each.is_frozen for each in found if each.at < since}
    earlier = {account for account, holds in is_frozen.items() if holds}
    later = [each for each in found if each.at >= since]
    members = {customer_id for customer_id, _wallet in earlier} | {each.customer_id for each in later}
    return Freezes(earlier, [*later, *_resumed(members, since, until)], frozenset(members))


def _resumed(customer_ids: Iterable[int], since: datetime, until: datetime) -> list[Resumed]:
    members = list(customer_ids)
    if not members:
        return []
    found = rows(_RESUMED, customers=members, since=since, until=until)
    return [Resumed(at, RESUMED, *values) for at, *values in found]

"""The tiers that members held at a moment, and those of a night run then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rewards.domain.engine import Engine
from rewards.domain.qualification import Holding
from rewards.domain.shadow_tiers import Standing
from rewards.queries import tier_sql
from rewards.queries.rehearsal_rows import rows

_MEMBERS: Final = """
    SELECT id FROM crm_customer WHERE tenant_id = %(tenant)s AND state IN ('active', 'suspended')
"""
# The newest entry of the history before the moment says what was held and what protected it. If nothing has
# changed since, so does the membership, and also where the entry is older than the columns of protection.
_HOLDINGS: Final = """
    WITH told AS (
        SELECT DISTINCT ON (c.customer_id) c.customer_id, c.to_key, c.valid_until, c.grace_until,
               c.locked_until
        FROM rewards_tierchange c WHERE c.tenant_id = %(tenant)s AND c.changed_at < %(before)s
        ORDER BY c.customer_id, c.changed_at DESC, c.id DESC
    ), kept AS (
        SELECT m.* FROM rewards_tiermembership m
        WHERE m.tenant_id = %(tenant)s AND m.since < %(before)s AND NOT EXISTS (
            SELECT FROM rewards_tierchange c
            WHERE c.tenant_id = %(tenant)s AND c.customer_id = m.customer_id AND c.changed_at >= %(before)s)
    )
    SELECT customer_id, COALESCE(k.tier_key, t.to_key) AS tier_key, t.to_key AS told,
           CASE WHEN k.id IS NULL THEN t.valid_until ELSE k.valid_until END AS valid_until,
           CASE WHEN k.id IS NULL THEN t.grace_until ELSE k.grace_until END AS grace_until,
           CASE WHEN k.id IS NULL THEN t.locked_until ELSE k.locked_until END AS locked_until
    FROM told t FULL JOIN kept k USING (customer_id)
"""
# As rows of the table of memberships, of whoever held anything.
_HELD: Final = """
    SELECT %(tenant)s AS tenant_id, h.customer_id, h.tier_key, h.valid_until, h.grace_until, h.locked_until,
           NULL::timestamptz AS since, NULL::jsonb AS values
    FROM ({holdings}) h WHERE h.tier_key <> ''
"""
_LANDINGS: Final = "SELECT l.customer_id, l.landing FROM ({landed}) l WHERE l.landing >= 0"


def standings(since: datetime) -> Iterator[tuple[int, Standing]]:
    """Yield what each member held the moment before; members of today who held nothing hold nothing."""
    held = {
        customer_id: Standing(Holding(-1, valid, grace, locked), key or "", told)
        for customer_id, key, told, valid, grace, locked in rows(_HOLDINGS, before=since)
    }
    for (customer_id,) in rows(_MEMBERS):
        yield customer_id, held.get(customer_id) or Standing()


def after_a_night(live: Engine, at: datetime) -> dict[int, str]:
    """Return the tiers that a night run at a moment would have left, by customer."""
    held = _HELD.format(holdings=_HOLDINGS)
    landed, parameters = tier_sql.landed(live.revision, at=at, customer_ids=None, held=held)
    keys = [tier.key for tier in live.revision.tiers]
    found = rows(_LANDINGS.format(landed=landed), before=at, **parameters)
    return {customer_id: keys[place] for customer_id, place in found}

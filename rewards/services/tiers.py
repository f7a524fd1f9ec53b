"""Tier memberships: recomputed set by set after orders and every night, and locked by staff."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from crm.models import Customer, CustomerState
from crm.services import customer_touches
from rewards.domain.programs import Revision
from rewards.domain.qualification import Metric
from rewards.domain.tiers import SPEND
from rewards.locks import lock_tier_memberships
from rewards.models import TierChange, TierMembership, TierMove
from rewards.queries import challenge_documents, programs, tier_sql
from rewards.services.errors import CustomerNotActive
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput, NotFound
from tenants.services import audit, outbox

TOPIC_CHANGED: Final = "rewards.tiers_changed"
_MOST_TOLD: Final = 1_000
_MOVE: Final = """
    WITH landed AS MATERIALIZED ({landed}), gone AS (
        DELETE FROM rewards_tiermembership m USING landed l
        WHERE m.tenant_id = %(tenant)s AND m.customer_id = l.customer_id AND l.landing = -1
          AND (m.locked_until IS NULL OR m.locked_until <= %(at)s)
    ), written AS (
        INSERT INTO rewards_tiermembership AS m (
            tenant_id, customer_id, tier_key, qualifying_spend_minor, since, computed_at, values,
            valid_until, grace_until, locked_until, lock_reason, locked_by)
        SELECT %(tenant)s, l.customer_id, (%(keys)s::text[])[l.landing + 1],
               COALESCE(l.amounts[%(spend_column)s], 0), %(at)s, %(at)s,
               (SELECT COALESCE(jsonb_object_agg(k.key, l.amounts[k.n]), '{{}}')
                FROM unnest(%(criteria)s::text[]) WITH ORDINALITY AS k(key, n)),
               l.safe_until, l.spared_until, l.locked_until, '', ''
        FROM landed l WHERE l.landing >= 0 ORDER BY l.customer_id
        ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
            tier_key = excluded.tier_key,
            qualifying_spend_minor = excluded.qualifying_spend_minor,
            values = excluded.values,
            computed_at = excluded.computed_at,
            valid_until = excluded.valid_until,
            grace_until = excluded.grace_until,
            since = CASE WHEN m.tier_key = excluded.tier_key THEN m.since ELSE excluded.since END
        -- A run over everybody takes a while; what an order has brought since is newer.
        WHERE (m.computed_at <= excluded.computed_at OR %(is_forced)s)
          AND (m.tier_key, m.values, m.valid_until, m.grace_until) IS DISTINCT FROM
              (excluded.tier_key, excluded.values, excluded.valid_until, excluded.grace_until)
        RETURNING customer_id
    ), told AS (
        INSERT INTO rewards_tierchange (
            tenant_id, customer_id, move, from_key, to_key, changed_at, actor_label, reason, valid_until,
            grace_until, locked_until)
        SELECT %(tenant)s, l.customer_id, l.move, COALESCE(l.held_key, ''),
               CASE WHEN l.landing >= 0 THEN (%(keys)s::text[])[l.landing + 1] ELSE '' END,
               %(at)s, %(by)s, '', l.safe_until, l.spared_until, l.locked_until
        FROM landed l
        WHERE l.move <> 'kept' AND (l.landing = -1 OR l.customer_id IN (SELECT customer_id FROM written))
        ORDER BY l.customer_id
        RETURNING customer_id, move, from_key, to_key
    )
    SELECT (SELECT COUNT(*) FROM landed WHERE landing >= 0),
           (SELECT COUNT(*) FROM told),
           (SELECT jsonb_agg(jsonb_build_object('customer_id', customer_id, 'move', move, 'from', from_key,
                                                'to', to_key))
            FROM (SELECT * FROM told LIMIT %(most_told)s) AS first)
"""


@transaction.atomic
def refresh(*, customer_ids: Collection[int] | None, at: datetime, is_forced: bool = False) -> int:
    """Bring the tiers of some customers (``None``: all) up to date; returns how many hold one.

    ``is_forced`` also goes back behind what was computed later. Customers below the lowest tier have no
    membership. Without a published program nothing happens. Publishes ``rewards.tiers_changed``.
    """
    published = programs.published()
    if published is None or (customer_ids is not None and not customer_ids):
        return 0
    if customer_ids is not None:
        lock_tier_memberships(customer_ids)
    revision = published.revision
    landed, parameters = tier_sql.landed(revision, at=at, customer_ids=customer_ids)
    criteria = [criterion.key for criterion in revision.qualification.criteria]
    parameters |= {
        "criteria": criteria,
        "spend_column": criteria.index(SPEND) + 1 if SPEND in criteria else 0,
        "by": SYSTEM.label,
        "is_forced": is_forced,
        "most_told": _MOST_TOLD,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVE.format(landed=landed), parameters)
        holding, changed, told = cursor.fetchone()
    if changed:
        payload = {"count": changed, "changes": json.loads(told)}
        outbox.publish(topic=TOPIC_CHANGED, payload=payload, at=at)
    return int(holding)


def recompute(*, at: datetime, is_forced: bool = False) -> int:
    """Recompute the tier of every customer as of ``at``."""
    return refresh(customer_ids=None, at=at, is_forced=is_forced)


@transaction.atomic
def refresh_after_events(
    *, message_ids: Sequence[str], first_at: datetime | str, last_at: datetime | str, at: datetime
) -> int:
    """Bring tiers up to date that some kind of event decides; returns how many hold one."""
    published = programs.published()
    criteria = published.revision.qualification.criteria if published else ()
    names = {each.name for each in criteria if each.metric is Metric.EVENTS}
    if not names:
        return 0
    events = challenge_documents.events(
        message_ids=message_ids, first_at=first_at, last_at=last_at, names=names
    )
    return refresh(customer_ids={event.customer_id for event in events}, at=at)


def refresh_after_points(*, customer_ids: Collection[int], revision: Revision, at: datetime) -> int:
    """Bring tiers up to date after points were given outside of orders, where points decide them."""
    if all(each.metric is not Metric.POINTS for each in revision.qualification.criteria):
        return 0
    return refresh(customer_ids=customer_ids, at=at)


@transaction.atomic
def lock(
    *, customer: Customer, tier_key: str, until: datetime, reason: str, by: Actor, at: datetime
) -> TierMembership:
    """Give a customer a tier until a moment, whatever they qualify for.

    Raises ``InvalidInput``, and ``CustomerNotActive`` for who is merged or anonymised.
    """
    by.require(Permission.TIERS_LOCK)
    if customer.state in {CustomerState.MERGED, CustomerState.ANONYMISED}:
        raise CustomerNotActive(f"The customer is {customer.state}.", state=customer.state)
    published = programs.published()
    tiers = published.revision.tiers if published else ()
    errors = []
    if tier_key not in {tier.key for tier in tiers}:
        errors.append(FieldError("/tier", "unknown_tier", f"There is no tier {tier_key!r}."))
    if until <= at:
        errors.append(FieldError("/until", "in_the_past", "The lock ends in the future."))
    if not reason.strip():
        errors.append(FieldError("/reason", "required", "Say why the tier is locked."))
    if errors:
        raise InvalidInput(errors=errors)
    former = next(iter(lock_tier_memberships([customer.pk])), None)
    row = former or TierMembership(customer=customer, since=at, qualifying_spend_minor=0)
    before = row.tier_key
    if before != tier_key:
        row.tier_key, row.since = tier_key, at
    row.computed_at = at
    row.valid_until = row.grace_until = None
    row.locked_until, row.lock_reason, row.locked_by = until, reason.strip()[:500], by.label[:200]
    row.save()
    _record(row, TierMove.LOCKED, before, by=by, at=at)
    return row


@transaction.atomic
def unlock(*, customer: Customer, reason: str, by: Actor, at: datetime) -> None:
    """End a lock and move the customer to where they qualify. Raises ``NotFound`` without a lock."""
    by.require(Permission.TIERS_LOCK)
    row = next(iter(lock_tier_memberships([customer.pk])), None)
    if row is None or row.locked_until is None or row.locked_until <= at:
        raise NotFound("The tier is not locked.")
    row.locked_until, row.lock_reason, row.locked_by = None, "", ""
    row.save()
    _record(row, TierMove.UNLOCKED, row.tier_key, by=by, at=at, reason=reason)
    refresh(customer_ids=[customer.pk], at=at)


def _record(
    row: TierMembership, move: TierMove, before: str, *, by: Actor, at: datetime, reason: str = ""
) -> None:
    customer_touches.add([row.customer_id], is_history=False)
    said = (reason or row.lock_reason)[:500]
    TierChange.objects.bulk_create(
        [
            TierChange(
                customer=row.customer, move=move, from_key=before, to_key=row.tier_key, changed_at=at,
                actor_label=by.label[:200], reason=said, valid_until=row.valid_until,
                grace_until=row.grace_until, locked_until=row.locked_until,
            )
        ]
    )  # fmt: skip
    until = row.locked_until.isoformat() if row.locked_until else None
    diff = {"tier": [before, row.tier_key], "until": [None, until], "reason": [None, said]}
    audit.record(action=f"tier.{move}", target=row, by=by, at=at, diff=diff)

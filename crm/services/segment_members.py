"""Bringing the members of a segment in line with what is wanted, with history, daily sizes and the signal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from crm.models import Segment
from crm.queries.segment_references import has_dependents
from crm.services import customer_touches
from tenants.scope import active_tenant, active_tenant_id
from tenants.services import outbox

TOPIC = "crm.segment_members_changed"
_SYNC = """
WITH wanted AS MATERIALIZED ({wanted}), gone AS (
    DELETE FROM crm_segmentmember m WHERE m.tenant_id = %s AND m.segment_id = %s{only}
      AND NOT EXISTS (SELECT FROM wanted w WHERE w.id = m.customer_id)
    RETURNING m.customer_id, m.joined_at
), history AS (
    INSERT INTO crm_segmentdeparture (tenant_id, segment_id, customer_id, joined_at, left_at)
    SELECT %s, %s, g.customer_id, g.joined_at, %s FROM gone g
), joined AS (
    INSERT INTO crm_segmentmember (tenant_id, segment_id, customer_id, joined_at, reason)
    SELECT %s, %s, w.id, %s, w.reason FROM wanted w
    WHERE NOT EXISTS (SELECT FROM crm_segmentmember k
                      WHERE k.tenant_id = %s AND k.segment_id = %s AND k.customer_id = w.id)
    ORDER BY w.id ON CONFLICT (tenant_id, segment_id, customer_id) DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM joined), (SELECT count(*) FROM gone)
"""
_REASONS = """
UPDATE crm_segmentmember m SET reason = s.reason FROM staged_member s
WHERE m.tenant_id = %s AND m.segment_id = %s AND m.customer_id = s.id AND m.reason <> s.reason
"""
_DAY = """
INSERT INTO crm_segmentday AS kept (tenant_id, segment_id, day_on, members, entered, "left")
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, segment_id, day_on) DO UPDATE SET
    members = excluded.members, entered = kept.entered + excluded.entered,
    "left" = kept."left" + excluded."left"
"""
_NOTE_CHANGED = """
INSERT INTO crm_customertouch (tenant_id, customer_id, is_history, touched_at)
SELECT tenant_id, customer_id, false, statement_timestamp() FROM crm_segmentmember
WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s AND joined_at = %(at)s
UNION ALL
SELECT tenant_id, customer_id, false, statement_timestamp() FROM crm_segmentdeparture
WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s AND left_at = %(at)s
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a refresh changed, and the members it left."""

    members: int
    entered: int
    left: int


def sync(
    segment: Segment, wanted: tuple[str, list[Any]], *, at: datetime, only: Collection[int] | None = None
) -> Change:
    """Make the locked segment's members those of ``wanted`` (columns id, reason), among ``only`` if given."""
    own = [active_tenant_id(), segment.pk]
    sql, params = wanted
    restriction: list[Any] = [] if only is None else [list(only)]
    statement = _SYNC.replace("{wanted}", sql).replace(
        "{only}", "" if only is None else " AND m.customer_id = ANY(%s::bigint[])"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, *own, *restriction, *own, at, *own, at, *own])
        members, entered, left = cursor.fetchone()
    if only is not None:
        members = segment.member_count + entered - left
    return Change(members, entered, left)


def sync_staged(segment: Segment, *, at: datetime) -> Change:
    """Make the members those staged in `staged_member`, with their reasons."""
    change = sync(segment, ("SELECT id, reason FROM staged_member", []), at=at)
    with connection.cursor() as cursor:
        cursor.execute(_REASONS, [active_tenant_id(), segment.pk])
    return change


def settle(segment: Segment, change: Change, *, at: datetime) -> None:
    """Set the size, keep the day's figures and tell: the outbox, and the segments that refer to this one.

    Publishes ``crm.segment_members_changed``; who entered and left is paged by the moment ``at`` through
    `crm.queries.segment_history`.
    """
    segment.member_count, segment.refreshed_at = change.members, at
    tenant = active_tenant()
    with connection.cursor() as cursor:
        day = at.astimezone(tenant.zone).date()
        cursor.execute(_DAY, [tenant.pk, segment.pk, day, change.members, change.entered, change.left])
    if not change.entered and not change.left:
        return
    payload = {
        "segment_id": segment.pk,
        "key": segment.key,
        "at": at.isoformat(),
        "entered": change.entered,
        "left": change.left,
        "members": change.members,
    }
    outbox.publish(topic=TOPIC, payload=payload, at=at)


def note_dependents(segment: Segment, change: Change, *, at: datetime) -> None:
    """Note the customers who entered or left, when another segment asks for this one."""
    changed = change.entered + change.left
    if not changed or not has_dependents(segment.key):
        return
    if changed > customer_touches.MOST_AT_ONCE:
        customer_touches.add_everyone(is_history=False)
        return
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_CHANGED, {"tenant": active_tenant_id(), "segment": segment.pk, "at": at})

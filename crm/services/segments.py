"""Segments: static lists, rules that are recomputed as one statement, and what models publish."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from time import perf_counter
from typing import Any

from django.db import IntegrityError, connection, transaction

from crm.domain.rules import Rule, RuleError, parse
from crm.locks import lock_segment
from crm.models import Segment, SegmentKind, SegmentMember
from crm.queries import segment_sql
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant, active_tenant_id
from tenants.services import audit


class SegmentKeyTaken(Conflict):
    """Another segment has this key."""

    code = "segment_key_taken"
    title = "Another segment has this key"


class MembersAreComputed(Conflict):
    """Only static lists are edited by hand."""

    code = "members_are_computed"
    title = "The members of this segment are computed"


_SYNC = """
WITH wanted AS MATERIALIZED ({wanted}), gone AS (
    DELETE FROM crm_segmentmember m WHERE m.tenant_id = %s AND m.segment_id = %s
      AND NOT EXISTS (SELECT FROM wanted w WHERE w.id = m.customer_id)
), joined AS (
    INSERT INTO crm_segmentmember AS kept (tenant_id, segment_id, customer_id, joined_at, reason)
    SELECT %s, %s, w.id, %s, w.reason FROM wanted w ORDER BY w.id
    ON CONFLICT (tenant_id, segment_id, customer_id) DO UPDATE SET reason = excluded.reason
    WHERE kept.reason <> excluded.reason
)
SELECT count(*) FROM wanted
"""


@transaction.atomic
def create(
    *,
    key: str,
    name: str,
    kind: str,
    by: Actor,
    at: datetime,
    rule: Any = None,
    description: str = "",
) -> Segment:
    """Create a static or rule segment, evaluated at once. Raises ``SegmentKeyTaken``, ``InvalidInput``."""
    by.require(Permission.SEGMENTS_EDIT)
    if kind not in {SegmentKind.STATIC, SegmentKind.RULE}:
        raise InvalidInput(
            errors=[FieldError("/kind", "invalid_choice", "Models publish their own segments.")]
        )
    if (kind == SegmentKind.RULE) != (rule is not None):
        raise InvalidInput(
            errors=[FieldError("/rule", "required", "A rule segment has a rule, a list has none.")]
        )
    parsed = checked(rule) if rule is not None else None
    segment: Segment = Segment(
        key=key, name=name, kind=kind, rule=rule, description=description, created_at=at, updated_at=at
    )
    try:
        with transaction.atomic():
            segment.save(force_insert=True)
    except IntegrityError as error:
        raise SegmentKeyTaken(key=key) from error
    if parsed is not None:
        _recompute(segment, parsed, at)
    audit.record(action="segment.created", target=segment, by=by, at=at)
    return segment


def checked(rule: Any) -> Rule:
    """Return the parsed rule. Raises ``InvalidInput`` that points into it."""
    try:
        return parse(rule)
    except RuleError as error:
        pointer = f"/rule{error.pointer}".rstrip("/")
        raise InvalidInput(errors=[FieldError(pointer, "invalid_rule", error.detail)]) from error


@transaction.atomic
def change_rule(*, segment: Segment, rule: Any, by: Actor, at: datetime) -> Segment:
    """Give a rule segment another rule and recompute it."""
    by.require(Permission.SEGMENTS_EDIT)
    segment = lock_segment(segment.pk)
    if segment.kind != SegmentKind.RULE:
        raise MembersAreComputed("Only a rule segment has a rule.")
    parsed, before = checked(rule), segment.rule
    segment.rule, segment.updated_at = rule, at
    segment.save(update_fields=["rule", "updated_at"])
    _recompute(segment, parsed, at)
    audit.record(action="segment.updated", target=segment, by=by, at=at, diff={"rule": [before, rule]})
    return segment


@transaction.atomic
def refresh(*, segment: Segment, at: datetime) -> Segment:
    """Recompute a rule segment; a failure is kept on the segment, which keeps its members."""
    segment = lock_segment(segment.pk)
    if segment.kind != SegmentKind.RULE:
        return segment
    try:
        with transaction.atomic():
            _recompute(segment, parse(segment.rule), at)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown and the old members stay
        segment.last_error = f"{type(error).__name__}: {error}"[:2000]
        segment.save(update_fields=["last_error"])
    return segment


def _recompute(segment: Segment, rule: Rule, at: datetime) -> None:
    tenant = active_tenant()
    statement, params = segment_sql.matching(rule, tenant_id=tenant.pk, at=at, zone=tenant.zone)
    start = perf_counter()
    wanted = f"SELECT matched.id, ''::text AS reason FROM ({statement}) matched"  # noqa: S608 - compiled with parameters
    _sync(segment, wanted, params, at)
    segment.refresh_ms = round((perf_counter() - start) * 1000)
    segment.save(update_fields=["member_count", "refreshed_at", "refresh_ms", "last_error"])


def _sync(segment: Segment, wanted: str, params: list[Any], at: datetime) -> None:
    own = [active_tenant_id(), segment.pk]
    with connection.cursor() as cursor:
        cursor.execute(_SYNC.replace("{wanted}", wanted), [*params, *own, *own, at])
        segment.member_count = cursor.fetchone()[0]
    segment.refreshed_at, segment.last_error = at, ""


@transaction.atomic
def add_members(*, segment: Segment, customer_ids: Collection[int], by: Actor, at: datetime) -> int:
    """Add customers to a static list; return how many are new in it."""
    segment = _editable(segment, by)
    before = SegmentMember.objects.filter(segment=segment).count()
    SegmentMember.objects.bulk_create(
        [
            SegmentMember(segment=segment, customer_id=each, joined_at=at)
            for each in sorted(set(customer_ids))
        ],
        ignore_conflicts=True,
    )
    added = _count(segment, at) - before
    audit.record(action="segment.members_added", target=segment, by=by, at=at, diff={"added": [None, added]})
    return added


@transaction.atomic
def remove_members(*, segment: Segment, customer_ids: Collection[int], by: Actor, at: datetime) -> int:
    """Take customers off a static list; return how many were on it."""
    segment = _editable(segment, by)
    removed, _by_model = SegmentMember.objects.filter(
        segment=segment, customer_id__in=list(customer_ids)
    ).delete()
    _count(segment, at)
    audit.record(
        action="segment.members_removed", target=segment, by=by, at=at, diff={"removed": [None, removed]}
    )
    return int(removed)


def _editable(segment: Segment, by: Actor) -> Segment:
    by.require(Permission.SEGMENTS_EDIT)
    segment = lock_segment(segment.pk)
    if segment.kind != SegmentKind.STATIC:
        raise MembersAreComputed
    return segment


def _count(segment: Segment, at: datetime) -> int:
    segment.member_count = SegmentMember.objects.filter(segment=segment).count()
    segment.refreshed_at = segment.updated_at = at
    segment.save(update_fields=["member_count", "refreshed_at", "updated_at"])
    return segment.member_count


@transaction.atomic
def publish_model_segment(
    *, key: str, name: str, description: str, members: Mapping[int, str], at: datetime
) -> Segment:
    """Create or replace a segment that a model chose, with reasons. Raises ``SegmentKeyTaken``."""
    segment, _created = Segment.objects.get_or_create(
        key=key,
        defaults={"name": name, "kind": SegmentKind.MODEL, "created_at": at, "updated_at": at},
    )
    segment = lock_segment(segment.pk)
    if segment.kind != SegmentKind.MODEL:
        raise SegmentKeyTaken(f"The segment “{key}” is not a model's.", key=key)
    segment.name, segment.description, segment.updated_at = name, description, at
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TEMPORARY TABLE IF NOT EXISTS staged_member (id bigint NOT NULL, reason text NOT NULL)
               ON COMMIT DROP; TRUNCATE staged_member"""
        )
        with cursor.cursor.copy("COPY staged_member (id, reason) FROM STDIN") as copy:
            for customer_id, reason in members.items():
                copy.write_row((customer_id, reason[:300]))
    _sync(segment, "SELECT id, reason FROM staged_member", [], at)
    segment.save()
    return segment

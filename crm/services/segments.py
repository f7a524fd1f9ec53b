"""Segments: static lists, rules that are recomputed as one statement, and what models publish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from crm.domain.hidden_values import spoken_of
from crm.domain.rules import Rule, RuleError, depends_on_time, parse, segment_keys
from crm.domain.segment_order import SegmentCycle, refresh_order
from crm.locks import lock_segment, lock_segment_rules
from crm.models import Segment, SegmentKind
from crm.queries import segment_references, sensitive
from crm.services import segment_lists, segment_members, segment_refresh
from crm.services.segment_lists import MembersAreComputed, SegmentKeyTaken
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.services import audit


class SegmentInUse(Conflict):
    """Other segments refer to this one."""

    code = "segment_in_use"
    title = "Other segments refer to this segment"


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
    parsed = _placeable(rule, key) if rule is not None else None
    segment: Segment = Segment(
        key=key, name=name, kind=kind, rule=rule, description=description, created_at=at, updated_at=at,
        depends_on_time=parsed is not None and depends_on_time(parsed),
    )  # fmt: skip
    try:
        with transaction.atomic():
            segment.save(force_insert=True)
    except IntegrityError as error:
        raise SegmentKeyTaken(key=key) from error
    if parsed is not None:
        segment_refresh.recompute(segment, parsed, at=at)
    audit.record(action="segment.created", target=segment, by=by, at=at)
    return segment


def checked(rule: Any) -> Rule:
    """Return the parsed rule, which speaks of nothing sensitive. Raises ``InvalidInput``."""
    try:
        parsed = parse(rule)
    except RuleError as error:
        pointer = f"/rule{error.pointer}".rstrip("/")
        raise InvalidInput(errors=[FieldError(pointer, "invalid_rule", error.detail)]) from error
    if secret := spoken_of(parsed, sensitive.hidden()):
        detail = f"Sensitive values are for no segment: {', '.join(secret)}."
        raise InvalidInput(errors=[FieldError("/rule", "sensitive_value", detail)])
    return parsed


def _placeable(rule: Any, key: str) -> Rule:
    """Return the parsed rule, whose references exist and lead in no circle. Raises ``InvalidInput``."""
    parsed = checked(rule)
    wanted = segment_keys(parsed)
    if not wanted:
        return parsed
    # Two changes at a time could each close the circle that neither sees.
    lock_segment_rules()
    if unknown := segment_references.unknown_keys(wanted - {key}):
        error = FieldError("/rule", "unknown_segment", f"There is no segment “{unknown[0]}”.")
        raise InvalidInput(errors=[error])
    try:
        refresh_order({**segment_references.references(except_key=key), key: wanted})
    except SegmentCycle as circle:
        raise InvalidInput(errors=[FieldError("/rule", "segment_cycle", str(circle))]) from circle
    return parsed


@transaction.atomic
def change_rule(*, segment: Segment, rule: Any, by: Actor, at: datetime) -> Segment:
    """Give a rule segment another rule and recompute it."""
    by.require(Permission.SEGMENTS_EDIT)
    segment = lock_segment(segment.pk)
    if segment.kind != SegmentKind.RULE:
        raise MembersAreComputed("Only a rule segment has a rule.")
    parsed, before = _placeable(rule, segment.key), segment.rule
    segment.rule, segment.updated_at, segment.depends_on_time = rule, at, depends_on_time(parsed)
    segment.save(update_fields=["rule", "updated_at", "depends_on_time"])
    segment_refresh.recompute(segment, parsed, at=at)
    audit.record(action="segment.updated", target=segment, by=by, at=at, diff={"rule": [before, rule]})
    return segment


@transaction.atomic
def rename(*, segment: Segment, name: str, description: str, by: Actor, at: datetime) -> Segment:
    """Give a segment another name and description; its key stays."""
    by.require(Permission.SEGMENTS_EDIT)
    segment = lock_segment(segment.pk)
    diff = {"name": [segment.name, name], "description": [segment.description, description]}
    segment.name, segment.description, segment.updated_at = name, description, at
    segment.save(update_fields=["name", "description", "updated_at"])
    audit.record(action="segment.updated", target=segment, by=by, at=at, diff=diff)
    return segment


@transaction.atomic
def delete(*, segment: Segment, by: Actor, at: datetime) -> None:
    """Delete a segment with its members and history. Raises ``SegmentInUse`` while others refer to it."""
    by.require(Permission.SEGMENTS_EDIT)
    lock_segment_rules()
    segment = lock_segment(segment.pk)
    if using := segment_references.dependents(segment.key):
        raise SegmentInUse(f"Other segments refer to it: {', '.join(using)}.", segments=using)
    audit.record(action="segment.deleted", target=segment, by=by, at=at, diff={"rule": [segment.rule, None]})
    segment.delete()


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
    segment_lists.stage(members)
    change = segment_members.sync_staged(segment, at=at)
    segment_members.settle(segment, change, at=at)
    segment_members.note_dependents(segment, change, at=at)
    segment.save()
    return segment

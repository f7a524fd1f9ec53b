"""Schemas of events: learnt from what was stored, locked by staff, asked by the ingest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from django.db import connection, transaction

from crm.domain import event_schemas as domain
from crm.domain.event_schemas import ObservedEvent, ObservedProperty
from crm.locks import lock_event_schema, lock_event_schemas
from crm.models import EventSchema, EventStatus, PropertySchema, Sensitivity, ViolationPolicy
from crm.services import customer_touches, event_tallies
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.scope import active_tenant_id
from tenants.services import audit

# Names made up by a client (an id in the name, say) must not fill the table.
MOST_NAMES: Final = 1000
_OF_BATCH = """
SELECT name, properties::text FROM crm_event
WHERE tenant_id = %(tenant)s AND message_id = ANY(%(message_ids)s)
  AND occurred_at BETWEEN %(first_at)s AND %(last_at)s
"""
_LOCKED = """
SELECT s.name, p.key, p.value_type FROM crm_eventschema s
LEFT JOIN crm_propertyschema p ON p.tenant_id = s.tenant_id AND p.schema_id = s.id AND p.value_type <> ''
WHERE s.tenant_id = %s AND s.is_locked AND s.on_violation = 'reject'
"""


def enforced() -> dict[str, dict[str, str]]:
    """Return the declared types by property, by event name, of the schemas whose violations are rejected."""
    declared: dict[str, dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED, [active_tenant_id()])
        for name, key, value_type in cursor.fetchall():
            types = declared.setdefault(name, {})
            if key is not None:
                types[key] = value_type
    return declared


@transaction.atomic
def learn(*, message_ids: Sequence[str], first_at: str, last_at: str, at: datetime) -> None:
    """Learn from these events: counts, types, examples; count what violates a schema that only flags."""
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "message_ids": list(message_ids),
        "first_at": first_at,
        "last_at": last_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OF_BATCH, params)
        rows = [(name, msgspec.json.decode(properties)) for name, properties in cursor.fetchall()]
    observed = domain.observe(rows)
    schemas = _schemas(observed, at)
    for schema in schemas.values():
        schema.count += observed[schema.name].count
        schema.last_seen_at = at
        _learn_properties(schema, observed[schema.name], at)
    _count_flagged(schemas, rows)
    EventSchema.objects.bulk_update(schemas.values(), ["count", "last_seen_at", "flagged_count"])
    counted = {name: event.count for name, event in observed.items()}
    event_tallies.add(counted, status=EventStatus.ACCEPTED, at=at)


def _schemas(observed: Mapping[str, ObservedEvent], at: datetime) -> dict[str, EventSchema]:
    """Return the locked rows of these names, new ones made while there is room."""
    known = {each.name: each for each in lock_event_schemas(observed)}
    unknown = sorted(set(observed) - set(known))
    if unknown and EventSchema.objects.count() + len(unknown) <= MOST_NAMES:
        EventSchema.objects.bulk_create(
            [EventSchema(name=name, first_seen_at=at, last_seen_at=at) for name in unknown],
            ignore_conflicts=True,
        )
        known |= {each.name: each for each in lock_event_schemas(unknown)}
    return known


def _learn_properties(schema: EventSchema, observed: ObservedEvent, at: datetime) -> None:
    known = {each.key: each for each in PropertySchema.objects.filter(schema=schema)}
    new: list[PropertySchema] = []
    for key, seen in observed.properties.items():
        kept = known.get(key)
        if kept is None and len(known) + len(new) < domain.MOST_PROPERTIES:
            new.append(_new_property(schema, key, seen, at))
        elif kept is not None:
            kept.types = dict(Counter(kept.types) + seen.types)
            kept.present_count += seen.present
            kept.examples = domain.merged_examples(kept.examples, seen.examples)
            kept.last_seen_at = at
    PropertySchema.objects.bulk_create(new, ignore_conflicts=True)
    changed = [known[key] for key in observed.properties if key in known]
    PropertySchema.objects.bulk_update(changed, ["types", "present_count", "examples", "last_seen_at"])


def _new_property(schema: EventSchema, key: str, seen: ObservedProperty, at: datetime) -> PropertySchema:
    return PropertySchema(
        schema=schema,
        key=key,
        types=dict(seen.types),
        present_count=seen.present,
        examples=seen.examples,
        first_seen_at=at,
        last_seen_at=at,
        sensitivity=domain.sensitive_kind(key, seen.examples).value,
    )


def _count_flagged(schemas: Mapping[str, EventSchema], rows: Sequence[tuple[str, Any]]) -> None:
    flagging = {
        name: schema
        for name, schema in schemas.items()
        if schema.is_locked and schema.on_violation == ViolationPolicy.FLAG
    }
    if not flagging:
        return
    declared = {
        name: dict(
            PropertySchema.objects.filter(schema=schema)
            .exclude(value_type="")
            .values_list("key", "value_type")
        )
        for name, schema in flagging.items()
    }
    for name, properties in rows:
        if name in flagging and domain.violation(properties, declared[name]):
            flagging[name].flagged_count += 1


@transaction.atomic
def lock(*, schema: EventSchema, on_violation: ViolationPolicy, by: Actor, at: datetime) -> EventSchema:
    """Lock a schema: what has been seen of each property becomes its declared type."""
    by.require(Permission.EVENTS_MANAGE)
    locked = lock_event_schema(schema.pk)
    before = locked.is_locked
    locked.is_locked, locked.on_violation = True, on_violation
    locked.save(update_fields=["is_locked", "on_violation"])
    undeclared = list(PropertySchema.objects.filter(schema=locked, value_type=""))
    if not before:
        for each in undeclared:
            each.value_type = domain.declared_type(each.types).value
        PropertySchema.objects.bulk_update(undeclared, ["value_type"])
    diff = {"is_locked": [before, True], "on_violation": [None, on_violation.value]}
    audit.record(action="event_schema.locked", target=locked, by=by, at=at, diff=diff)
    return locked


@transaction.atomic
def unlock(*, schema: EventSchema, by: Actor, at: datetime) -> EventSchema:
    """Let every event of the name in again; the declared types are forgotten."""
    by.require(Permission.EVENTS_MANAGE)
    locked = lock_event_schema(schema.pk)
    locked.is_locked = False
    locked.save(update_fields=["is_locked"])
    PropertySchema.objects.filter(schema=locked).update(value_type="")
    audit.record(action="event_schema.unlocked", target=locked, by=by, at=at)
    return locked


@transaction.atomic
def set_property(
    *,
    schema: EventSchema,
    key: str,
    value_type: str | None = None,
    sensitivity: str | None = None,
    by: Actor,
    at: datetime,
) -> PropertySchema:
    """Declare a property's type (only of a locked schema) or decide how sensitive it is.

    Raises ``InvalidInput`` for a property that was never seen and for a type without a lock.
    """
    by.require(Permission.EVENTS_MANAGE)
    schema = lock_event_schema(schema.pk)
    found = PropertySchema.objects.filter(schema=schema, key=key).first()
    if found is None:
        detail = "No event had this property yet."
        raise InvalidInput(detail, errors=[FieldError("/key", "unknown", detail)])
    if value_type is not None and not schema.is_locked:
        detail = "Lock the schema first."
        raise InvalidInput(detail, errors=[FieldError("/value_type", "not_locked", detail)])
    before = {"value_type": found.value_type, "sensitivity": found.sensitivity}
    if value_type is not None:
        found.value_type = value_type
    if sensitivity is not None:
        # Segments and profiles may have read it, or may read it now.
        customer_touches.add_everyone()
        found.sensitivity, found.is_sensitivity_set = Sensitivity(sensitivity), True
    found.save()
    after = {"value_type": found.value_type, "sensitivity": str(found.sensitivity)}
    diff = {f"{key}.{name}": [before[name], after[name]] for name in after if before[name] != after[name]}
    audit.record(action="event_schema.property_changed", target=schema, by=by, at=at, diff=diff)
    result: PropertySchema = found
    return result

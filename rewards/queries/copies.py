"""What a program that goes to another tenant names: as it is where it comes from, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from crm.domain.hidden_values import Hidden
from crm.models import AttributeDefinition, AttributeSubject, EventSchema, Segment
from crm.queries import sensitive
from crm.queries.trait_names import trait_names
from rewards.domain.brought_segments import SegmentHere
from rewards.domain.named_elsewhere import Named


@dataclass(frozen=True, slots=True)
class Known:
    """What a tenant knows of the names that a program uses."""

    segments: frozenset[str]
    hidden: Hidden
    unknown: dict[str, list[str]]


def segments_here() -> dict[str, SegmentHere]:
    """Return the tenant's segments by key."""
    rows = Segment.objects.values_list("key", "name", "kind", "description", "rule")
    return {row[0]: SegmentHere(*row) for row in rows}


def known_there(named: Named) -> Known:
    """Return what the tenant knows; ``unknown`` has events, attributes and traits that it has never seen."""
    events = EventSchema.objects.filter(name__in=named.events).values_list("name", flat=True)
    declared = AttributeDefinition.objects.filter(
        subject=AttributeSubject.CUSTOMER, key__in=named.attributes
    ).values_list("key", flat=True)
    unknown = {
        "events": named.events - set(events),
        "attributes": named.attributes - set(declared),
        "traits": named.traits - set(trait_names()),
    }
    return Known(
        segments=frozenset(Segment.objects.values_list("key", flat=True)),
        hidden=sensitive.hidden(),
        unknown={name: sorted(keys) for name, keys in unknown.items() if keys},
    )

"""What staff or the learner of schemas has classified as sensitive."""

from __future__ import annotations

from collections import defaultdict

from crm.domain.event_catalogue import IDENTIFIED
from crm.domain.hidden_values import Hidden
from crm.models import PropertySchema


def hidden() -> Hidden:
    """Return the sensitive names. Traits of identify calls become the attributes of the same name."""
    keys_by_event: dict[str, set[str]] = defaultdict(set)
    rows = PropertySchema.objects.exclude(sensitivity="").values_list("schema__name", "key")
    for name, key in rows:
        keys_by_event[name].add(key)
    return Hidden(
        attributes=frozenset(keys_by_event.get(IDENTIFIED, ())),
        properties={name: frozenset(keys) for name, keys in keys_by_event.items()},
    )


def property_keys() -> frozenset[str]:
    """Return the names of properties that hold sensitive data, of whichever event."""
    return frozenset(PropertySchema.objects.exclude(sensitivity="").values_list("key", flat=True))

"""Which rule segments refer to which others."""

from __future__ import annotations

from crm.domain.rules import RuleError, parse, segment_keys
from crm.domain.segment_order import dependents_of
from crm.models import Segment, SegmentKind


def references(*, except_key: str = "") -> dict[str, frozenset[str]]:
    """Return the keys each rule segment refers to; a rule that cannot be read refers to nothing."""
    found = {}
    rules = Segment.objects.filter(kind=SegmentKind.RULE).exclude(key=except_key)
    for key, rule in rules.values_list("key", "rule"):
        try:
            found[key] = segment_keys(parse(rule))
        except RuleError:
            found[key] = frozenset()
    return found


def has_dependents(key: str) -> bool:
    return any(key in referred for referred in references().values())


def dependents(key: str) -> list[str]:
    """Return the keys of all segments that this one decides about, in order."""
    return sorted(dependents_of({key}, references()))


def unknown_keys(keys: frozenset[str]) -> list[str]:
    """Return those that name no segment."""
    known = set(Segment.objects.filter(key__in=keys).values_list("key", flat=True))
    return sorted(keys - known)

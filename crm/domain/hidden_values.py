"""Sensitive values stay out of rules: what a rule may not speak of, and how a kept rule reads none of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from crm.domain.rule_nodes import (
    AllOf,
    AnyOf,
    Condition,
    EventCount,
    EventPattern,
    EventSequence,
    Leaf,
    Not,
    Rule,
    Source,
    leaves,
)

# No client sends it and no attribute may be called so: a condition on it finds nothing.
NOTHING: Final = "$sensitive"


class FreeValue(NamedTuple):
    """A property of the events of one name; an attribute of the customer when ``event`` is empty.

    A property may be a path, ``visit.room``.
    """

    event: str
    name: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """Names of sensitive values: of customers' attributes, and of properties by the event's name."""

    attributes: frozenset[str] = frozenset()
    properties: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.attributes or self.properties)

    def of_event(self, name: str) -> frozenset[str]:
        return self.properties.get(name, frozenset())

    def among(self, values: Iterable[FreeValue]) -> list[FreeValue]:
        """Return the sensitive ones of ``values``, in order."""
        return sorted(value for value in values if self._has(value))

    def _has(self, value: FreeValue) -> bool:
        names = self.of_event(value.event) if value.event else self.attributes
        return value.name in names or (bool(value.event) and not names.isdisjoint(value.name.split(".")))


NOTHING_HIDDEN: Final = Hidden()


def without(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return the values less those of the names, however deep they lie in objects."""
    if not names:
        return dict(values)
    return {
        key: without(value, names) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if key not in names
    }


def free_values(rule: Rule) -> frozenset[FreeValue]:
    """Return the attributes and properties that the rule reads."""
    found: set[FreeValue] = set()
    for leaf in leaves(rule):
        if isinstance(leaf, Condition) and leaf.source is Source.ATTRIBUTE:
            found.add(FreeValue("", leaf.name))
        for pattern in _patterns(leaf):
            found |= {FreeValue(pattern.event, each.name) for each in pattern.where}
    return frozenset(found)


def spoken_of(rule: Rule, hidden: Hidden) -> list[str]:
    """Return the names of the sensitive values that the rule speaks of, in order."""
    return sorted({value.name for value in hidden.among(free_values(rule))})


def hiding(rule: Rule, hidden: Hidden) -> Rule:
    """Return the rule as it is read: its conditions on sensitive values find them missing."""
    return _hiding(rule, hidden) if hidden else rule


def pattern_hiding(pattern: EventPattern, hidden: Hidden) -> EventPattern:
    """Return the pattern with its conditions on sensitive properties finding them missing."""
    secret = hidden.of_event(pattern.event)
    if not secret:
        return pattern
    where = tuple(replace(each, name=NOTHING) if each.name in secret else each for each in pattern.where)
    return replace(pattern, where=where)


def _hiding(rule: Rule, hidden: Hidden) -> Rule:
    if isinstance(rule, AllOf | AnyOf):
        return replace(rule, rules=tuple(_hiding(each, hidden) for each in rule.rules))
    if isinstance(rule, Not):
        return Not(_hiding(rule.rule, hidden))
    if isinstance(rule, EventCount):
        return replace(rule, pattern=pattern_hiding(rule.pattern, hidden))
    if isinstance(rule, EventSequence):
        first, then = pattern_hiding(rule.first, hidden), pattern_hiding(rule.then, hidden)
        return replace(rule, first=first, then=then)
    if isinstance(rule, Condition) and rule.source is Source.ATTRIBUTE and rule.name in hidden.attributes:
        return replace(rule, name=NOTHING)
    return rule


def _patterns(leaf: Leaf) -> tuple[EventPattern, ...]:
    if isinstance(leaf, EventCount):
        return (leaf.pattern,)
    return (leaf.first, leaf.then) if isinstance(leaf, EventSequence) else ()

"""Which segments come along when a program goes to another tenant, and why others do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from crm.domain.hidden_values import Hidden, spoken_of
from crm.domain.rules import parse, segment_keys
from crm.domain.segment_order import refresh_order


class Coming(StrEnum):
    """What becomes of a segment that a program names."""

    THERE = "there"
    """One with its key is there already, and stays as it is."""
    BROUGHT = "brought"
    EMPTY = "empty"
    """A list kept by hand comes without its members, who are customers of here."""
    MODEL = "model"
    """Models publish their own segments."""
    SENSITIVE = "sensitive"
    """Its rule speaks of what is called sensitive there."""
    NEEDS_OTHER = "needs_other"
    """Its rule refers to one that does not come."""
    UNKNOWN = "unknown"
    """It is not here either."""


USABLE: Final = frozenset({Coming.THERE, Coming.BROUGHT, Coming.EMPTY})
MADE: Final = frozenset({Coming.BROUGHT, Coming.EMPTY})


@dataclass(frozen=True, slots=True)
class SegmentHere:
    """A segment of the tenant that the program comes from; ``rule`` as JSON, ``None`` without one."""

    key: str
    name: str
    kind: str
    description: str = ""
    rule: Any = None


@dataclass(frozen=True, slots=True)
class Traveller:
    """A segment by its key, what becomes of it, and which sensitive values keep it."""

    key: str
    name: str
    coming: Coming
    values: tuple[str, ...] = ()


def plan(
    named: Collection[str], *, here: Mapping[str, SegmentHere], there: Collection[str], hidden: Hidden
) -> list[Traveller]:
    """Return what becomes of the named segments and of those that their rules refer to, these first.

    ``hidden`` are the sensitive values of the tenant they go to.
    """
    references = _references(named, here, there)
    found: dict[str, Traveller] = {}
    for key in refresh_order(references):
        missing = any(found[each].coming not in USABLE for each in references[key])
        found[key] = _traveller(key, here.get(key), is_there=key in there, misses=missing, hidden=hidden)
    return list(found.values())


def _references(
    named: Collection[str], here: Mapping[str, SegmentHere], there: Collection[str]
) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    waiting = sorted(named)
    while waiting:
        key = waiting.pop()
        segment = here.get(key)
        has_rule = key not in there and segment is not None and segment.rule is not None
        found[key] = segment_keys(parse(segment.rule)) if segment is not None and has_rule else frozenset()
        waiting += sorted(found[key] - found.keys())
    return found


def _traveller(
    key: str, segment: SegmentHere | None, *, is_there: bool, misses: bool, hidden: Hidden
) -> Traveller:
    name = segment.name if segment else key
    if is_there:
        return Traveller(key, name, Coming.THERE)
    if segment is None:
        return Traveller(key, name, Coming.UNKNOWN)
    if segment.rule is None:
        return Traveller(key, name, Coming.EMPTY if segment.kind == "static" else Coming.MODEL)
    if values := spoken_of(parse(segment.rule), hidden):
        return Traveller(key, name, Coming.SENSITIVE, tuple(values))
    return Traveller(key, name, Coming.NEEDS_OTHER if misses else Coming.BROUGHT)

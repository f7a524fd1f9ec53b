"""In which order segments are refreshed: those that others refer to come first."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from graphlib import CycleError, TopologicalSorter


class SegmentCycle(ValueError):
    """Segments refer to each other in a circle; ``keys`` are those of the circle, in order."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(" → ".join(keys))
        self.keys = keys


def refresh_order(references: Mapping[str, AbstractSet[str]]) -> list[str]:
    """Return the keys so that each comes after what it refers to. Raises ``SegmentCycle``."""
    sorter = TopologicalSorter({key: sorted(references[key]) for key in sorted(references)})
    try:
        return [key for key in sorter.static_order() if key in references]
    except CycleError as error:
        raise SegmentCycle(list(error.args[1])) from error


def dependents_of(keys: AbstractSet[str], references: Mapping[str, AbstractSet[str]]) -> set[str]:
    """Return the keys that refer to any of ``keys``, directly or through others, without ``keys``."""
    found: set[str] = set()
    waiting = set(keys)
    while waiting:
        waiting = {
            key for key, referred in references.items() if referred & waiting and key not in found | set(keys)
        }
        found |= waiting
    return found

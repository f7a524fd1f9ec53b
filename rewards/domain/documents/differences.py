"""What differs between two documents, as the audit log keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return [before, after] by section; of entries with keys those that differ, for a document is large."""
    names = [*after, *(name for name in before if name not in after)]
    return {
        name: _trimmed(before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    }


def _trimmed(before: Any, after: Any) -> list[Any]:
    if not (_is_keyed(before) and _is_keyed(after)):
        return [before, after]
    both = [{each["key"]: each for each in side or ()} for side in (before, after)]
    same = {key for key, entry in both[0].items() if both[1].get(key) == entry}
    return [[entry for key, entry in side.items() if key not in same] for side in both]


def _is_keyed(section: Any) -> bool:
    entries = [] if section is None else section
    return isinstance(entries, list) and all(isinstance(each, dict) and "key" in each for each in entries)

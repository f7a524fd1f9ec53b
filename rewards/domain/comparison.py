"""The difference of two program revisions, member by member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rewards.domain.documents import to_json
from rewards.domain.programs import Revision


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. ``members`` maps what changed to [before, after], as the document writes it."""

    section: str
    key: str
    name: str
    kind: ChangeKind
    members: Mapping[str, tuple[Any, Any]]


def compare(before: Revision, after: Revision) -> list[Change]:
    """Return what ``after`` adds, removes and changes, section by section."""
    old, new = to_json(before), to_json(after)
    return [
        change for section in {**old, **new} if section != "schema"
        for change in _section(section, old.get(section), new.get(section))
    ]  # fmt: skip


def _section(section: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(new, list) or isinstance(old, list):
        yield from _keyed(section, old or [], new or [])
        return
    members = _members(old or {}, new or {})
    if members:
        yield Change(section, "", section, ChangeKind.CHANGED, members)


def _keyed(section: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Change]:
    old_by_key, new_by_key = {item["key"]: item for item in old}, {item["key"]: item for item in new}
    for key, item in new_by_key.items():
        former = old_by_key.get(key)
        if former is None:
            yield Change(section, key, item.get("name", key), ChangeKind.ADDED, {})
        elif former != item:
            yield Change(section, key, item.get("name", key), ChangeKind.CHANGED, _members(former, item))
    for key, item in old_by_key.items():
        if key not in new_by_key:
            yield Change(section, key, item.get("name", key), ChangeKind.REMOVED, {})


def _members(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*new, *(name for name in old if name not in new)]
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}

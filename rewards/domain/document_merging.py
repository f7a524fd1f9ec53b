"""Three-way merge of program documents, by section and key: a draft, what it began with, and what holds now.

An entry that one side changed is as that side has it; one that both changed alike is no question. What both
changed differently is a conflict, settled by a choice of one side. Policies and other sections without keys
are merged member by member, limits of pace by their kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_NAMES: Final = ("key", "kind")


class Side(StrEnum):
    """Who wins a conflict."""

    DRAFT = "draft"
    IN_FORCE = "in_force"


@dataclass(frozen=True, slots=True)
class Clash:
    """One entry or member that both sides changed; ``None`` is that it is not there.

    ``path`` names it in the document: ``rules/base``, ``policies/backdating_days``, ``referral``.
    """

    path: str
    name: str
    before: Any
    draft: Any
    in_force: Any


@dataclass(frozen=True, slots=True)
class Merged:
    """The document in which choices are made, the clashes without a choice, and those that one settled."""

    document: dict[str, Any]
    clashes: tuple[Clash, ...]
    settled: tuple[Clash, ...] = ()


def merge(
    before: Mapping[str, Any],
    draft: Mapping[str, Any],
    in_force: Mapping[str, Any],
    choices: Mapping[str, Side] | None = None,
) -> Merged:
    """Bring a draft that began with ``before`` up to what is in force; where nobody chose, it stays."""
    merging = _Merging(choices or {})
    found = merging.members("", before, draft, in_force)
    document = {name: value for name, value in found.items() if value is not None}
    return Merged(document, tuple(merging.clashes), tuple(merging.settled))


class _Merging:
    def __init__(self, choices: Mapping[str, Side]) -> None:
        self._choices = choices
        self.clashes: list[Clash] = []
        self.settled: list[Clash] = []

    def members(
        self, path: str, before: Mapping[str, Any], draft: Mapping[str, Any], in_force: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Merge an object's members, in the draft's order."""
        names = [*draft, *(name for name in in_force if name not in draft)]
        return {
            name: self._value(
                f"{path}/{name}".strip("/"), before.get(name), draft.get(name), in_force.get(name)
            )
            for name in names
        }

    def _value(self, path: str, before: Any, draft: Any, in_force: Any) -> Any:
        if in_force in (draft, before):
            return draft
        if draft == before:
            return in_force
        sides = [side for side in (before, draft, in_force) if side]
        if name := _name_of(sides):
            return self._entries(path, name, before or [], draft or [], in_force or [])
        if "/" not in path and len(sides) > 1 and all(isinstance(side, dict) for side in sides):
            return self.members(path, before or {}, draft or {}, in_force or {})
        return self._chosen(path, before, draft, in_force)

    def _entries(
        self, path: str, name: str, before: Sequence[Any], draft: Sequence[Any], in_force: Sequence[Any]
    ) -> list[Any]:
        was, mine, theirs = ({each[name]: each for each in side} for side in (before, draft, in_force))
        found = []
        for key in _ordered(list(mine), list(theirs)):
            entry = self._value(f"{path}/{key}", was.get(key), mine.get(key), theirs.get(key))
            if entry is not None:
                found.append(entry)
        return found

    def _chosen(self, path: str, before: Any, draft: Any, in_force: Any) -> Any:
        side = self._choices.get(path)
        named = next((each for each in (draft, in_force) if isinstance(each, dict)), {})
        name = str(named.get("name") or path.rpartition("/")[2])
        clash = Clash(path, name, before, draft, in_force)
        (self.clashes if side is None else self.settled).append(clash)
        return in_force if side is Side.IN_FORCE else draft


def _name_of(sides: Sequence[Any]) -> str:
    """Return by what the entries of lists are told apart; empty for anything but such lists."""
    entries = [entry for side in sides if isinstance(side, list) for entry in side]
    if not entries or not all(isinstance(side, list) for side in sides):
        return ""
    if not all(isinstance(entry, dict) for entry in entries):
        return ""
    return next((name for name in _NAMES if all(name in entry for entry in entries)), "")


def _ordered(mine: list[str], theirs: list[str]) -> Iterator[str]:
    """Yield all keys in the order of the draft; what it lacks stands after what it stands after elsewhere."""
    known = set(mine)
    after: dict[str, list[str]] = {}
    place = ""
    for key in theirs:
        if key in known:
            place = key
        else:
            after.setdefault(place, []).append(key)
    yield from after.get("", [])
    for key in mine:
        yield key
        yield from after.get(key, [])

"""A draft that fell behind: what was published since, in words, and who wins where both changed the same."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from rewards.admin import change_words
from rewards.admin.audit_words import FIELDS
from rewards.admin.section_words import KIND_LABELS, SECTION_LABELS
from rewards.domain.comparison import Change, ChangeKind, compare
from rewards.domain.document_merging import Clash
from rewards.models import ProgramRevision
from rewards.queries import behind, compiled_revisions
from rewards.queries.behind import Behind

CHOICE: Final = "choice:"
_NAMED: Final = 5


def shown(row: ProgramRevision, current: ProgramRevision | None, currency: str) -> dict[str, Any] | None:
    """Return what the revision's page shows of it; ``None`` for a draft that is up to date."""
    found = behind.of(row, current)
    if found is None:
        return None
    return {
        "base": found.base.number if found.base else None,
        "current": found.current.number,
        "changes": _grouped(found.changes),
        "clashes": _clashes(row, found, currency),
    }


def _grouped(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Return changes by section and kind, with the first names and how many there are."""
    names: dict[tuple[str, ChangeKind], list[str]] = defaultdict(list)
    for change in changes:
        names[change.section, change.kind].append(change.name if change.key else "")
    return [
        {
            "section": FIELDS.get(section, section),
            "kind": kind.value,
            "kind_label": KIND_LABELS[kind],
            "names": [name for name in found if name][:_NAMED],
            "count": len(found),
        }
        for (section, kind), found in names.items()
    ]


def _clashes(row: ProgramRevision, found: Behind, currency: str) -> list[dict[str, Any]]:
    if not found.clashes:
        return []
    draft, now = (compiled_revisions.revision_of(each) for each in (row, found.current))
    parts = {
        f"{change.section}/{change.key}": change_words.parts(change, draft, now, currency)
        for change in compare(draft, now)
        if change.kind is ChangeKind.CHANGED
    }
    return [{**_clash(clash), "parts": parts.get(clash.path, [])} for clash in found.clashes]


def _clash(clash: Clash) -> dict[str, Any]:
    section = clash.path.partition("/")[0]
    draft, in_force = _differing(clash)
    return {
        "field": f"{CHOICE}{clash.path}",
        "section": SECTION_LABELS.get(section, section),
        "name": clash.name if "/" in clash.path else "",
        "draft": draft,
        "in_force": in_force,
    }


def _differing(clash: Clash) -> tuple[str, str]:
    """Write both sides; of entries only the members in which they differ."""
    draft, in_force = clash.draft, clash.in_force
    if isinstance(draft, dict) and isinstance(in_force, dict):
        names = [name for name in {**draft, **in_force} if draft.get(name) != in_force.get(name)]
        draft, in_force = ({name: side.get(name) for name in names} for side in (draft, in_force))
    return _written(draft), _written(in_force)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_written(part)}" for name, part in value.items())
    return "" if value is None else json.dumps(value, ensure_ascii=False).strip('"')

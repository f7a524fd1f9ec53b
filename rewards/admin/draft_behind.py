"""A draft that fell behind: what was published since, in words, and who wins where both changed the same."""

from __future__ import annotations

import json
from typing import Any, Final

from rewards.admin.section_words import KIND_LABELS, SECTION_LABELS
from rewards.domain.document_merging import Clash
from rewards.models import ProgramRevision
from rewards.queries import behind

CHOICE: Final = "choice:"
_SHOWN: Final = 20


def shown(row: ProgramRevision, current: ProgramRevision | None) -> dict[str, Any] | None:
    """Return what the revision's page shows of it; ``None`` for a draft that is up to date."""
    found = behind.of(row, current)
    if found is None:
        return None
    return {
        "base": found.base.number if found.base else None,
        "current": found.current.number,
        "changes": [
            {
                "section": SECTION_LABELS.get(change.section, change.section),
                "kind": change.kind.value,
                "kind_label": KIND_LABELS[change.kind],
                "name": change.name if change.key else "",
            }
            for change in found.changes[:_SHOWN]
        ],
        "more": max(0, len(found.changes) - _SHOWN),
        "clashes": [_clash(clash) for clash in found.clashes],
    }


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

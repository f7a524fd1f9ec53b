"""Drafts beside which another revision was published: what that changed, and what both did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rewards.domain import document_merging
from rewards.domain.comparison import Change, compare
from rewards.domain.document_merging import Clash, Merged, Side
from rewards.domain.documents import to_json
from rewards.domain.revisions import Step, digest_of, may
from rewards.models import ProgramRevision
from rewards.queries import compiled_revisions

_MOST_KEPT: Final = 32
_Told = tuple[list[Change], tuple[Clash, ...]]
# By the contents of all three, so nothing grows stale: a page asks for the same merge at every view.
_told_by_content: dict[tuple[str, str, str], _Told] = {}


@dataclass(frozen=True, slots=True)
class Behind:
    """A draft that fell behind: what was published since, and what of that the draft changed otherwise."""

    base: ProgramRevision | None
    current: ProgramRevision
    changes: list[Change]
    clashes: tuple[Clash, ...]


def of(row: ProgramRevision, current: ProgramRevision | None) -> Behind | None:
    """Return what was published since the draft was begun, ``None`` if nothing was or it is no draft."""
    if current is None or not may(Step.EDIT, row.state) or row.is_based_on(current):
        return None
    base = base_of(row)
    key = _content(base) if base else "", _content(row), _content(current)
    told = _told_by_content.get(key)
    if told is None:
        while len(_told_by_content) >= _MOST_KEPT:
            _told_by_content.pop(next(iter(_told_by_content)))
        told = _told_by_content[key] = _tell(row, base, current)
    changes, clashes = told
    return Behind(base, current, changes, clashes)


def _tell(row: ProgramRevision, base: ProgramRevision | None, current: ProgramRevision) -> _Told:
    now = compiled_revisions.revision_of(current)
    # Of a first draft beside which another one was published everything is new.
    changes = compare(compiled_revisions.revision_of(base), now) if base else []
    return changes, merged(row, base, current, {}).clashes


def merged(
    row: ProgramRevision, base: ProgramRevision | None, current: ProgramRevision, choices: Mapping[str, Side]
) -> Merged:
    """Merge what was published since into what the draft says."""
    before, draft, in_force = (
        to_json(compiled_revisions.revision_of(each)) if each else {} for each in (base, row, current)
    )
    return document_merging.merge(before, draft, in_force, choices)


def base_of(row: ProgramRevision) -> ProgramRevision | None:
    """Return the revision that the draft was begun with; its document stays in the database."""
    if row.base_number is None:
        return None
    rows = ProgramRevision.objects.filter(number=row.base_number)
    found: ProgramRevision | None = rows.defer("document").first()
    return found


def _content(row: ProgramRevision) -> str:
    """Name what the row says: of one in memory the checksum may be that of before."""
    return row.document_md5 if "document" in row.get_deferred_fields() else digest_of(row.document)

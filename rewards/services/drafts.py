"""Drafts that fell behind: another revision was published since they were begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from rewards.domain import document_merging
from rewards.domain.comparison import Change, compare
from rewards.domain.document_merging import Clash, Merged, Side
from rewards.domain.documents import to_json
from rewards.domain.revisions import Step, may
from rewards.locks import lock_revision
from rewards.models import ProgramRevision
from rewards.queries import compiled_revisions
from rewards.queries import programs as program_queries
from rewards.services import programs
from rewards.services.programs import RevisionNotDraft
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.services import audit


class DraftClashes(Conflict):
    """Both changed the same; carries ``clashes`` with ``path``, ``before``, ``draft`` and ``in_force``."""

    code = "draft_clashes"
    title = "The draft and what is in force changed the same things"


@dataclass(frozen=True, slots=True)
class Behind:
    """A draft that fell behind: what was published since, and what of that the draft changed otherwise."""

    base: ProgramRevision | None
    current: ProgramRevision
    changes: list[Change]
    clashes: tuple[Clash, ...]


@transaction.atomic
def save(*, document: Any, by: Actor, at: datetime) -> ProgramRevision:
    """Store what was begun with ``offer_drafts.starting_document``: into the draft, or as a new one.

    A new one that began with a revision on its way is based on what that is based on. Raises what
    ``programs.save_draft`` raises.
    """
    programs.locked(at=at)
    draft, begun_with = program_queries.draft(), program_queries.open_revision()
    row = programs.save_draft(document=document, revision=draft, by=by, at=at)
    if draft is None and begun_with is not None:
        row.base_number = begun_with.base_number
        row.save(update_fields=["base_number"])
    return row


def behind(row: ProgramRevision) -> Behind | None:
    """Return what was published since the draft was begun, ``None`` if nothing was or it is no draft."""
    current = program_queries.current()
    if current is None or not may(Step.EDIT, row.state) or row.base_number == current.number:
        return None
    base = _base(row)
    now = compiled_revisions.revision_of(current)
    # Of a first draft beside which another one was published everything is new.
    changes = compare(compiled_revisions.revision_of(base), now) if base else []
    return Behind(base, current, changes, _merged(row, base, current, {}).clashes)


@transaction.atomic
def bring_up_to_date(
    *, revision: ProgramRevision, by: Actor, at: datetime, choices: Mapping[str, str] | None = None
) -> ProgramRevision:
    """Merge what was published since into the draft, which is based on that from now on.

    ``choices`` say by path who wins where both changed the same: ``draft`` or ``in_force``. Raises
    ``RevisionNotDraft``, ``DraftClashes`` where nobody chose, and ``InvalidInput`` for unknown choices and
    where both together are no program.
    """
    programs.locked(at=at)
    row, current = lock_revision(revision.pk), program_queries.current()
    if not may(Step.EDIT, row.state):
        raise RevisionNotDraft
    if current is None or row.base_number == current.number:
        return row
    former, base = row.base_number, _base(row)
    asked = _sides(choices or {}, {clash.path for clash in _merged(row, base, current, {}).clashes})
    merged = _merged(row, base, current, asked)
    if merged.clashes:
        raise DraftClashes(clashes=[told(clash) for clash in merged.clashes])
    saved = programs.save_draft(document=merged.document, revision=row, by=by, at=at)
    saved.base_number = current.number
    saved.save(update_fields=["base_number"])
    diff: dict[str, Any] = {"base": [former, current.number]}
    diff |= {path: [None, side.value] for path, side in asked.items()}
    audit.record(action="program.draft_updated", target=saved, by=by, at=at, diff=diff)
    return saved


def told(clash: Clash) -> dict[str, Any]:
    """Return a clash as the API tells it."""
    return {
        "path": clash.path, "before": clash.before, "draft": clash.draft, "in_force": clash.in_force,
    }  # fmt: skip


def _sides(choices: Mapping[str, str], known: set[str]) -> dict[str, Side]:
    wrong = [
        FieldError(f"/choices/{path.replace('/', '~1')}", "unknown", "The draft and what is in force agree.")
        for path in choices
        if path not in known
    ]
    wrong += [
        FieldError(f"/choices/{path.replace('/', '~1')}", "invalid_choice", "Either draft or in_force.")
        for path, side in choices.items()
        if side not in list(Side)
    ]
    if wrong:
        raise InvalidInput(errors=wrong)
    return {path: Side(side) for path, side in choices.items()}


def _base(row: ProgramRevision) -> ProgramRevision | None:
    if row.base_number is None:
        return None
    found: ProgramRevision | None = ProgramRevision.objects.filter(number=row.base_number).first()
    return found


def _merged(
    row: ProgramRevision, base: ProgramRevision | None, current: ProgramRevision, choices: Mapping[str, Side]
) -> Merged:
    before, draft, in_force = (
        to_json(compiled_revisions.revision_of(each)) if each else {} for each in (base, row, current)
    )
    return document_merging.merge(before, draft, in_force, choices)

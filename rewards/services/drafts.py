"""Drafts that fell behind: another revision was published since they were begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from rewards.domain.document_merging import Clash, Merged, Side
from rewards.domain.revisions import Step, may
from rewards.locks import lock_revision
from rewards.models import ProgramRevision
from rewards.queries import behind
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
    if current is None or row.is_based_on(current):
        return row
    former, asked = row.base_number, _sides(choices or {})
    merged = behind.merged(row, behind.base_of(row), current, asked)
    _refuse_unknown(asked, merged)
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


def _sides(choices: Mapping[str, str]) -> dict[str, Side]:
    wrong = [path for path, side in choices.items() if side not in list(Side)]
    _refuse(wrong, "invalid_choice", "Either draft or in_force.")
    return {path: Side(side) for path, side in choices.items()}


def _refuse_unknown(asked: Mapping[str, Side], merged: Merged) -> None:
    settled = {clash.path for clash in merged.settled}
    _refuse(
        [path for path in asked if path not in settled], "unknown", "The draft and what is in force agree."
    )


def _refuse(paths: Iterable[str], code: str, detail: str) -> None:
    errors = [FieldError(f"/choices/{path.replace('/', '~1')}", code, detail) for path in paths]
    if errors:
        raise InvalidInput(errors=errors)

"""Program revisions: drafts are edited, publishing retires the former one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max

from rewards.domain.documents import InvalidDocument, parse
from rewards.domain.programs import Revision
from rewards.locks import lock_program, lock_revision
from rewards.models import Program, ProgramRevision, RevisionState, Wallet
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant
from tenants.services import audit


class RevisionNotDraft(Conflict):
    code = "revision_not_draft"
    title = "Only a draft can be changed or published"


def check(document: Any) -> Revision:
    """Parse a document in the tenant's zone; raises ``InvalidInput`` that names every wrong field."""
    try:
        return parse(document, time_zone=ZoneInfo(active_tenant().time_zone))
    except InvalidDocument as error:
        raise InvalidInput(
            "The program is not valid.",
            errors=[FieldError(f"/document{item.pointer}", item.code, item.detail) for item in error.errors],
        ) from error


@transaction.atomic
def save_draft(
    *, document: Any, by: Actor, at: datetime, revision: ProgramRevision | None = None, note: str = ""
) -> ProgramRevision:
    """Store a document as a new numbered draft, or into the given draft; live revisions never change.

    Raises ``InvalidInput`` with pointers into the document and ``RevisionNotDraft``.
    """
    check(document)
    program = _program(at)
    if revision is None:
        last = ProgramRevision.objects.aggregate(last=Max("number"))["last"] or 0
        row = ProgramRevision(program=program, number=last + 1, created_at=at, created_by=by.label[:200])
        before = None
    else:
        row = _lock_draft(revision)
        before = row.document
    row.document, row.note, row.updated_at = document, note, at
    row.save()
    audit.record(
        action="program.draft_saved", target=row, by=by, at=at, diff={"document": [before, document]}
    )
    return row


def _program(at: datetime) -> Program:
    program = lock_program()
    if program is None:
        Program.objects.bulk_create(
            [Program(name=active_tenant().name, created_at=at)], ignore_conflicts=True
        )
        program = lock_program()
    if program is None:
        raise Conflict("The program could not be created.")
    return program


def _lock_draft(revision: ProgramRevision) -> ProgramRevision:
    row = lock_revision(revision.pk)
    if row.state != RevisionState.DRAFT:
        raise RevisionNotDraft
    return row


@transaction.atomic
def publish(*, revision: ProgramRevision, by: Actor, at: datetime) -> ProgramRevision:
    """Put a draft in force and retire the one before. Creates the wallets it names first."""
    lock_program()
    row = _lock_draft(revision)
    parsed = check(row.document)
    former = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).first()
    if former is not None:
        former.state, former.retired_at = RevisionState.RETIRED, at
        former.save(update_fields=["state", "retired_at"])
    row.state, row.published_at, row.published_by = RevisionState.PUBLISHED, at, by.label[:200]
    row.save(update_fields=["state", "published_at", "published_by"])
    Wallet.objects.bulk_create(
        [Wallet(key=wallet.key, name=wallet.name, created_at=at) for wallet in parsed.wallets],
        ignore_conflicts=True,
    )
    audit.record(
        action="program.published",
        target=row,
        by=by,
        at=at,
        diff={"published": [former.number if former else None, row.number]},
    )
    return row

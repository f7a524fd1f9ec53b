"""Program revisions: drafts are edited; publishing puts one in force and retires the former one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from rewards.domain.documents import InvalidDocument
from rewards.domain.documents.differences import differences
from rewards.domain.programs import Revision
from rewards.domain.revisions import LEADS_TO, Step, digest_of, may
from rewards.domain.sizes import too_many
from rewards.locks import lock_program, lock_revision
from rewards.models import Program, ProgramRevision, RevisionState
from rewards.queries.compiled_revisions import parsed, revision_of
from rewards.queries.programs import findings_of
from rewards.services import challenge_recounts, offers, owed_gifts, rehearsal_checks
from tenants.domain.actors import Actor, ActorKind
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant
from tenants.services import audit, jobs

RECOMPUTE_TIERS: Final = "rewards.recompute_tiers"
_TIER_PARTS: Final = ("tiers", "qualification")


class RevisionNotDraft(Conflict):
    """What is in review or in force is not edited; edit a new draft."""

    code = "revision_not_draft"
    title = "Only a draft can be changed or published"


class WrongRevisionState(Conflict):
    """The revision's state does not allow the step; carries ``state``."""

    code = "revision_state"
    title = "The revision's state does not allow this"


class ReviewNeeded(Conflict):
    """The revision must be approved by another person before it is published."""

    code = "review_needed"
    title = "Somebody else has to approve the revision first"


class DraftBehind(Conflict):
    """Another revision was published since the draft was begun; carries ``base`` and ``current``."""

    code = "draft_behind"
    title = "Another revision was published since; bring the draft up to date first"


class ApprovalStale(Conflict):
    """Another revision was published since the approval; carries ``base`` and ``current``."""

    code = "approval_stale"
    title = "Another revision was published since; send it to review again"


def check(document: Any) -> Revision:
    """Parse a document in the tenant's zone; raises ``InvalidInput`` that names every wrong field."""
    try:
        return parsed(document)
    except InvalidDocument as error:
        raise InvalidInput(
            "The program is not valid.",
            errors=[FieldError(f"/document{item.pointer}", item.code, item.detail) for item in error.errors],
        ) from error


@transaction.atomic
def save_draft(
    *, document: Any, by: Actor, at: datetime, revision: ProgramRevision | None = None, note: str = ""
) -> ProgramRevision:
    """Store a document as a new numbered draft, or into the given one; live revisions never change.

    What the audit log keeps is the difference to the draft as it was, or of a new one to what is in force.
    Editing takes a rehearsal's or a reviewer's word back: the revision is a plain draft again. Raises
    ``InvalidInput`` with pointers into the document and ``RevisionNotDraft``.
    """
    check(document)
    program = locked(at=at)
    if revision is None:
        last = ProgramRevision.objects.aggregate(last=Max("number"))["last"] or 0
        row = ProgramRevision(program=program, number=last + 1, created_at=at, created_by=by.label[:200])
        in_force = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).first()
        row.base_number = in_force.number if in_force else None
        before = in_force.document if in_force else None
    else:
        row = lock_revision(revision.pk)
        if not may(Step.EDIT, row.state):
            raise RevisionNotDraft
        before = row.document
    _refuse_too_many(document, before or {})
    row.document, row.note, row.updated_at = document, note or row.note, at
    row.state = RevisionState(LEADS_TO[Step.EDIT])
    row.save()
    audit.record(
        action="program.draft_saved", target=row, by=by, at=at, diff=differences(before or {}, document)
    )
    return row


def _refuse_too_many(document: Any, before: Any) -> None:
    errors = [
        FieldError(f"/document/{each.section}", "too_many", f"At most {each.most}, not {each.held}.")
        for each in too_many(document, before)
    ]
    if errors:
        raise InvalidInput("The program is too large.", errors=errors)


def locked(*, at: datetime) -> Program:
    """Return the program, made where there is none, locked until the transaction ends."""
    program = lock_program()
    if program is None:
        Program.objects.bulk_create(
            [Program(name=active_tenant().name, created_at=at)], ignore_conflicts=True
        )
        program = lock_program()
    if program is None:
        raise Conflict("The program could not be created.")
    return program


@transaction.atomic
def publish(
    *,
    revision: ProgramRevision,
    by: Actor,
    at: datetime,
    acknowledges: bool = False,
    undoes_newer: bool = False,
) -> ProgramRevision:
    """Put a revision in force and retire the one before. Creates the wallets it names first.

    It must be approved, by somebody else and on top of what is in force now. A first program, the system
    itself and tenants that allow self-approval may publish a draft; that is written down as what it is, and
    whoever approves what they wrote needs a rehearsal like everybody (see ``rehearsal_checks.require``).
    What was published since the draft was begun would be gone: whoever means that ``undoes_newer``. Raises
    ``ReviewNeeded``, ``DraftBehind``, ``ApprovalStale``, ``WrongRevisionState`` and ``InvalidInput``.
    """
    program = locked(at=at)
    row = lock_revision(revision.pk)
    former = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).first()
    if not may(Step.PUBLISH, row.state):
        if row.state not in {RevisionState.PUBLISHED, RevisionState.RETIRED}:
            rebase(row, former, undoes_newer=undoes_newer, by=by, at=at)
        _approve_oneself(row, program, has_former=former is not None, acknowledges=acknowledges, by=by, at=at)
    elif row.reviewed_digest and row.reviewed_digest != digest_of(row.document):
        raise ReviewNeeded("The document is not the one that was approved.")
    elif not row.is_based_on(former):
        raise ApprovalStale(base=row.base_number, current=former.number if former else None)
    return _put_in_force(row, former, by=by, at=at)


def rebase(
    row: ProgramRevision, current: ProgramRevision | None, *, undoes_newer: bool, by: Actor, at: datetime
) -> None:
    """Let a locked draft stand on what is in force as it is, which is audited. Raises ``DraftBehind``."""
    if row.is_based_on(current):
        return
    number = current.number if current else None
    if not undoes_newer and by.kind is not ActorKind.SYSTEM:
        raise DraftBehind(base=row.base_number, current=number)
    diff = {"base": [row.base_number, number]}
    row.base_number = number
    row.save(update_fields=["base_number"])
    audit.record(action="program.newer_undone", target=row, by=by, at=at, diff=diff)


def _approve_oneself(
    row: ProgramRevision, program: Program, *, has_former: bool, acknowledges: bool, by: Actor, at: datetime
) -> None:
    if row.state in {RevisionState.PUBLISHED, RevisionState.RETIRED}:
        raise RevisionNotDraft
    if by.kind is ActorKind.SYSTEM or not has_former:
        return
    if not program.allows_self_approval:
        raise ReviewNeeded
    said = rehearsal_checks.require(row, acknowledges=acknowledges)
    row.reviewed_digest, row.reviewed_at, row.reviewed_by = digest_of(row.document), at, by.label[:200]
    row.save(update_fields=["reviewed_digest", "reviewed_at", "reviewed_by"])
    diff = {"state": [row.state, "approved"], **said}
    audit.record(action="program.self_approved", target=row, by=by, at=at, diff=diff)


def _put_in_force(
    row: ProgramRevision, former: ProgramRevision | None, *, by: Actor, at: datetime
) -> ProgramRevision:
    parsed = check(row.document)
    refuse_errors(parsed)
    offers.put_in_force(parsed, revision_of(former) if former else None, by=by, at=at)
    if former is not None:
        former.state, former.retired_at = RevisionState.RETIRED, at
        former.save(update_fields=["state", "retired_at"])
    row.state, row.published_at, row.published_by = RevisionState.PUBLISHED, at, by.label[:200]
    row.save(update_fields=["state", "published_at", "published_by"])
    audit.record(
        action="program.published",
        target=row,
        by=by,
        at=at,
        diff={
            "published": [former.number if former else None, row.number],
            **({"brakes": [former.brakes, []]} if former and former.brakes else {}),
        },
    )
    if former is not None and former.brakes:
        owed_gifts.start_giving(by=by, at=at)
    if _moves_tiers(former, row):
        # Tonight's run would do; nobody should see yesterday's ladder, or none, until then.
        jobs.start(kind=RECOMPUTE_TIERS, params={}, by=by, at=at)
    if former is not None and (keys := challenge_recounts.changed_keys(former.document, row.document)):
        jobs.start(kind=challenge_recounts.JOB, params={"keys": keys}, by=by, at=at)
    return row


def _moves_tiers(former: ProgramRevision | None, row: ProgramRevision) -> bool:
    if former is None:
        return bool(row.document.get("tiers"))
    return any(former.document.get(name) != row.document.get(name) for name in _TIER_PARTS)


def refuse_errors(revision: Revision) -> None:
    """Raise ``InvalidInput`` with everything the linter calls an error."""
    errors = [finding for finding in findings_of(revision) if finding.is_error]
    if errors:
        raise InvalidInput(
            "The program contradicts itself.",
            errors=[FieldError(f"/document{each.pointer}", each.code, each.detail) for each in errors],
        )


@transaction.atomic
def roll_back(*, to: ProgramRevision, by: Actor, at: datetime) -> ProgramRevision:
    """Publish a copy of a revision that was in force before, at once: it has been approved then.

    Raises ``WrongRevisionState`` unless the revision is retired.
    """
    if to.state != RevisionState.RETIRED:
        raise WrongRevisionState("Only a retired revision can come back.", state=to.state)
    row = save_draft(document=to.document, note=f"#{to.number}", by=by, at=at)
    former = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).first()
    audit.record(
        action="program.rolled_back", target=row, by=by, at=at, diff={"copied_from": [None, to.number]}
    )
    return _put_in_force(row, former, by=by, at=at)

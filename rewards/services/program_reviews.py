"""From a rehearsed draft to an approved revision: two persons, on top of what is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from rewards.domain.revisions import LEADS_TO, Step, digest_of, may
from rewards.locks import lock_program, lock_revision
from rewards.models import Program, ProgramRevision, RehearsalPolicy, RevisionState
from rewards.queries import programs as program_queries
from rewards.services import offers, programs, rehearsal_checks
from rewards.services.programs import ApprovalStale, ReviewNeeded, WrongRevisionState
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.services import audit

_LONGEST_COMMENT = 1000


@transaction.atomic
def submit(
    *, revision: ProgramRevision, by: Actor, at: datetime, note: str = "", undoes_newer: bool = False
) -> ProgramRevision:
    """Ask for a review of a revision.

    It has to be rehearsed, unless the tenant's policy does without, and based on what is in force, unless
    whoever asks says that it ``undoes_newer``. Raises ``WrongRevisionState``, ``DraftBehind`` and, for what
    the linter calls an error, ``InvalidInput``.
    """
    needs_rehearsal = rehearsal_checks.policy() is RehearsalPolicy.REQUIRED
    row = _moved(revision, Step.SUBMIT, needs_rehearsal=needs_rehearsal)
    parsed = programs.check(row.document)
    programs.refuse_errors(parsed)
    offers.check(parsed, by=by, at=at)
    programs.rebase(row, program_queries.current(), undoes_newer=undoes_newer, by=by, at=at)
    row.submitted_at, row.submitted_by, row.submitted_ref = at, by.label[:200], by.ref
    row.review_comment = ""
    row.reviewed_digest = ""
    row.note = note.strip()[:500] or row.note
    return _save(row, "program.submitted", by=by, at=at)


@transaction.atomic
def approve(
    *, revision: ProgramRevision, by: Actor, at: datetime, comment: str = "", acknowledges: bool = False
) -> ProgramRevision:
    """Approve a revision that somebody else sent to review; the approval names the document.

    Raises ``ReviewNeeded`` for the person who asked, unless the tenant allows self-approval (then it is
    audited as such), ``ApprovalStale`` when another revision was published since, and without a rehearsal of
    this document ``RehearsalNeeded`` or, until somebody ``acknowledges`` it, ``RehearsalNotAcknowledged``.
    """
    by.require(Permission.PROGRAM_PUBLISH)
    row = _moved(revision, Step.APPROVE)
    current = program_queries.current()
    if not row.is_based_on(current):
        raise ApprovalStale(base=row.base_number, current=current.number if current else None)
    action = "program.approved"
    if row.submitted_ref == by.ref:
        if not Program.objects.filter(allows_self_approval=True).exists():
            raise ReviewNeeded
        action = "program.self_approved"
    rehearsed = rehearsal_checks.require(row, acknowledges=acknowledges)
    row.reviewed_digest = digest_of(row.document)
    return _reviewed(row, action, comment, by=by, at=at, **rehearsed)


@transaction.atomic
def request_changes(*, revision: ProgramRevision, comment: str, by: Actor, at: datetime) -> ProgramRevision:
    """Give a revision back with a comment. Raises ``WrongRevisionState`` and ``InvalidInput``."""
    by.require(Permission.PROGRAM_PUBLISH)
    if not comment.strip():
        raise InvalidInput(errors=[FieldError("/comment", "required", "Say what is to be changed.")])
    return _reviewed(
        _moved(revision, Step.REQUEST_CHANGES), "program.changes_requested", comment, by=by, at=at
    )


def needs_other_approver(row: ProgramRevision, *, current: ProgramRevision | None) -> bool:
    """Tell whether somebody else has to approve a revision before it is published; the first needs nobody."""
    return (
        current is not None and not may(Step.PUBLISH, row.state) and not current.program.allows_self_approval
    )


@transaction.atomic
def allow_self_approval(*, is_allowed: bool, by: Actor, at: datetime) -> None:
    """Let one person approve what they wrote, or not; for tenants with a single manager, always audited."""
    by.require(Permission.TEAM_MANAGE)
    program = lock_program()
    if program is None or program.allows_self_approval == is_allowed:
        return
    program.allows_self_approval = is_allowed
    program.save(update_fields=["allows_self_approval"])
    diff = {"allows_self_approval": [not is_allowed, is_allowed]}
    audit.record(action="program.self_approval_changed", target=program, by=by, at=at, diff=diff)


@transaction.atomic
def set_rehearsal_policy(*, policy: str, by: Actor, at: datetime) -> None:
    """Say whether a revision can be approved without a rehearsal. Raises ``InvalidInput``; audited."""
    by.require(Permission.TEAM_MANAGE)
    if policy not in RehearsalPolicy.values:
        raise InvalidInput(errors=[FieldError("/policy", "invalid_choice", "There is no such policy.")])
    program = lock_program()
    if program is None or program.rehearsal_policy == policy:
        return
    diff = {"rehearsal_policy": [program.rehearsal_policy, policy]}
    program.rehearsal_policy = RehearsalPolicy(policy)
    program.save(update_fields=["rehearsal_policy"])
    audit.record(action="program.rehearsal_policy_changed", target=program, by=by, at=at, diff=diff)


def _moved(revision: ProgramRevision, step: Step, *, needs_rehearsal: bool = True) -> ProgramRevision:
    row = lock_revision(revision.pk)
    if not may(step, row.state, needs_rehearsal=needs_rehearsal):
        raise WrongRevisionState(f"The revision is {row.state}.", state=row.state)
    row.state = RevisionState(LEADS_TO[step])
    return row


def _reviewed(
    row: ProgramRevision, action: str, comment: str, *, by: Actor, at: datetime, **said: Any
) -> ProgramRevision:
    row.reviewed_at, row.reviewed_by = at, by.label[:200]
    row.review_comment = comment.strip()[:_LONGEST_COMMENT]
    return _save(row, action, by=by, at=at, **said)


def _save(row: ProgramRevision, action: str, *, by: Actor, at: datetime, **said: Any) -> ProgramRevision:
    row.save()
    audit.record(action=action, target=row, by=by, at=at, diff={"state": [None, row.state], **said})
    return row

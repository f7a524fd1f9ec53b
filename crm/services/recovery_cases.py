"""The queue of unhappy customers: opened by feedback, taken, resolved with an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from crm.domain.feedback import Kind, needs_recovery
from crm.locks import lock_recovery_case
from crm.models import Feedback, RecoveryCase, RecoveryOutcome, RecoveryState
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.services import audit


class CaseResolved(Conflict):
    code = "case_resolved"
    title = "This case is resolved already"


class CaseTaken(Conflict):
    code = "case_taken"
    title = "Somebody else has taken this case"


def open_for(rows: Sequence[Feedback], *, at: datetime) -> None:
    """Open a case for each of ``rows`` that needs one and has none."""
    RecoveryCase.objects.bulk_create(
        [
            RecoveryCase(feedback=row, opened_at=at)
            for row in rows
            if needs_recovery(Kind(row.kind), row.rating, row.score)
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def take(*, case: RecoveryCase, by: Actor, at: datetime) -> RecoveryCase:
    """Take an open case; taking one's own again changes nothing. Raises ``CaseTaken``, ``CaseResolved``."""
    by.require(Permission.FEEDBACK_EDIT)
    row = _unresolved(case)
    if row.state == RecoveryState.IN_PROGRESS:
        if row.taken_by != by.label[:254]:
            raise CaseTaken(taken_by=row.taken_by)
        return row
    row.state, row.taken_by, row.taken_at = RecoveryState.IN_PROGRESS, by.label[:254], at
    row.save(update_fields=["state", "taken_by", "taken_at"])
    audit.record(action="recovery_case.taken", target=row, by=by, at=at)
    return row


@transaction.atomic
def resolve(*, case: RecoveryCase, outcome: str, note: str, by: Actor, at: datetime) -> RecoveryCase:
    """End a case with what came of it. Raises ``CaseResolved``, ``InvalidInput``."""
    by.require(Permission.FEEDBACK_EDIT)
    row = _unresolved(case)
    if outcome not in RecoveryOutcome.values:
        raise InvalidInput(errors=[FieldError("/outcome", "invalid_choice", "Say what came of it.")])
    row.state, row.outcome, row.note, row.resolved_at = RecoveryState.RESOLVED, outcome, note.strip(), at
    row.taken_by = row.taken_by or by.label[:254]
    row.save(update_fields=["state", "outcome", "note", "resolved_at", "taken_by"])
    audit.record(action="recovery_case.resolved", target=row, by=by, at=at, diff={"outcome": [None, outcome]})
    return row


def _unresolved(case: RecoveryCase) -> RecoveryCase:
    row = lock_recovery_case(case.pk)
    if row.state == RecoveryState.RESOLVED:
        raise CaseResolved
    return row

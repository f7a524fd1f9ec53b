"""``verify_ledger``: prove the invariants, freeze what fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction

from rewards.locks import lock_accounts
from rewards.models import Account, LedgerEntry, LedgerTransaction
from rewards.queries import frozen, verification
from rewards.queries.verification import Finding
from rewards.services import lots
from tenants.domain.actors import Actor
from tenants.scope import active_tenant_id
from tenants.services import audit


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What was looked at and what is broken."""

    accounts: int
    transactions: int
    entries: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        return not self.findings


@transaction.atomic
def verify_ledger(*, by: Actor, at: datetime) -> VerificationReport:
    """Check every invariant of the active tenant's ledger and freeze the accounts that break one."""
    findings = tuple(verification.findings())
    failing = sorted({finding.account_id for finding in findings if finding.account_id is not None})
    for account in lock_accounts(failing):
        if account.frozen_at is None:
            account.frozen_at = at
            account.save(update_fields=["frozen_at"])
            checks = sorted({finding.check for finding in findings if finding.account_id == account.pk})
            audit.record(
                action="points.account_frozen", target=account, by=by, at=at, diff={"checks": [None, checks]}
            )
    if failing:
        _count_again_after_commit()
    return VerificationReport(
        Account.objects.count(), LedgerTransaction.objects.count(), LedgerEntry.objects.count(), findings
    )


@transaction.atomic
def unfreeze(*, account: Account, by: Actor, at: datetime, reason: str) -> Account:
    """Open an account again after somebody has repaired or explained it."""
    (row,) = lock_accounts([account.pk])
    row.frozen_at = None
    row.save(update_fields=["frozen_at"])
    audit.record(action="points.account_unfrozen", target=row, by=by, at=at, diff={"reason": [None, reason]})
    lots.look_again(account=row, at=at)
    _count_again_after_commit()
    return row


def _count_again_after_commit() -> None:
    # The scope is closed by then: the tenant is looked up now.
    transaction.on_commit(partial(frozen.forget, active_tenant_id()))

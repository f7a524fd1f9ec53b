"""The only place of this app with row locks; the ledger's own stand in its database functions."""

from __future__ import annotations

from rewards.models import Account, Program, ProgramRevision, Redemption


def lock_program() -> Program | None:
    """Lock the tenant's program, so that two publications cannot interleave."""
    program: Program | None = Program.objects.select_for_update().first()
    return program


def lock_revision(revision_id: int) -> ProgramRevision:
    revision: ProgramRevision = ProgramRevision.objects.select_for_update().get(pk=revision_id)
    return revision


def lock_redemption(redemption_id: int) -> Redemption:
    redemption: Redemption = Redemption.objects.select_for_update().get(pk=redemption_id)
    return redemption


def lock_accounts(account_ids: list[int]) -> list[Account]:
    return list(Account.objects.filter(pk__in=account_ids).order_by("pk").select_for_update())

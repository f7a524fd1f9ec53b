"""The long steps of an import, as a worker takes them: check, load, undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from crm.locks import lock_import_run
from crm.models import ImportRun, ImportState
from crm.services.imports.kinds import Account, Importer, Progress, Work, kind_of
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services import audit


def check(*, tenant: Tenant, public_id: str, by: Actor, at: datetime, progress: Progress) -> dict[str, Any]:
    """Read and judge the file; its account goes to ``check_report``. Opens scopes of its own."""
    work, importer = _opened(tenant, public_id, by, at, progress)
    with _failing(work, check_report=True):
        account = importer.check(work)
    with tenant_scope(tenant):
        run = lock_import_run(work.run_id)
        run.check_report, run.rows_read, run.state = _told(account), account.read, ImportState.CHECKED
        run.save(update_fields=["check_report", "rows_read", "state"])
    return _told(account)


def load(*, tenant: Tenant, public_id: str, by: Actor, at: datetime, progress: Progress) -> dict[str, Any]:
    """Load the file, or what an interrupted load left of it. Opens scopes of its own."""
    with tenant_scope(tenant):
        ended = ImportRun.objects.get(public_id=public_id)
    if ended.state != ImportState.RUNNING:
        # The message of a job that had ended came twice.
        return dict(ended.report)
    work, importer = _opened(tenant, public_id, by, at, progress)
    with _failing(work, state=ImportState.FAILED):
        account = importer.load(work)
    with tenant_scope(tenant):
        run = lock_import_run(work.run_id)
        run.rows_read, run.rows_merged = account.read, account.merged
        run.rows_quarantined = account.quarantined
        run.rows_accepted = account.read - account.merged - account.quarantined
        run.state = ImportState.DONE_WITH_ERRORS if account.quarantined else ImportState.DONE
        run.report, run.finished_at = account.report, at
        run.save()
        diff = {"rows_accepted": [None, run.rows_accepted], "rows_quarantined": [None, account.quarantined]}
        audit.record(action="import.finished", target=run, by=by, at=at, diff=diff)
    return _told(account)


def undo(*, tenant: Tenant, public_id: str, by: Actor, at: datetime, progress: Progress) -> dict[str, Any]:
    """Take back what the import did, except what is in use or was changed since; say how much."""
    work, importer = _opened(tenant, public_id, by, at, progress)
    with _failing(work):
        importer.undo(work)
    with tenant_scope(tenant):
        run = lock_import_run(work.run_id)
        run.state, run.reverted_at = ImportState.REVERTED, at
        run.save(update_fields=["state", "reverted_at"])
        audit.record(action="import.reverted", target=run, by=by, at=at)
        return dict(run.undo_report)


def _opened(
    tenant: Tenant, public_id: str, by: Actor, at: datetime, progress: Progress
) -> tuple[Work, Importer]:
    with tenant_scope(tenant):
        run = ImportRun.objects.get(public_id=public_id)
        work = Work.of(run, tenant=tenant, by=by, at=at, progress=progress)
        return work, kind_of(run.kind).importer


@contextmanager
def _failing(work: Work, *, state: ImportState | None = None, check_report: bool = False) -> Iterator[None]:
    """Keep a trace of a failure on the run, in a transaction of its own."""
    try:
        yield
    except Exception as error:
        with tenant_scope(work.tenant):
            run = lock_import_run(work.run_id)
            told = {"error": str(error)[:2000] or type(error).__name__}
            if check_report:
                run.check_report = told
            elif state is not None:
                run.state, run.finished_at, run.report = state, work.at, {**run.report, **told}
            else:
                run.undo_report = {**run.undo_report, **told}
            run.save(update_fields=["check_report", "state", "finished_at", "report", "undo_report"])
            audit.record(action="import.failed", target=run, by=work.by, at=work.at)
        raise


def _told(account: Account) -> dict[str, Any]:
    rows = {
        "read": account.read,
        "accepted": account.read - account.merged - account.quarantined,
        "merged": account.merged,
        "quarantined": account.quarantined,
    }
    return {**account.report, "rows": rows}

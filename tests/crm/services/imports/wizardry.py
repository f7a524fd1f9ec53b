"""The way of a file through the wizard, as the tests take it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm.models import ImportRun
from crm.services.imports import wizard
from tenants.domain.actors import SYSTEM
from tenants.models import Job, Tenant
from tenants.queue import JobContext, registry
from tenants.scope import tenant_scope
from tests.conftest import NOW


def run_job(kind: str, tenant: Tenant, run: ImportRun, progress: Any = None) -> dict[str, Any]:
    context = JobContext(
        tenant=tenant,
        params={"import_run": str(run.public_id)},
        actor=SYSTEM,
        at=NOW,
        progress=progress or (lambda *_step: None),
    )
    result = registry.handler_by_kind[kind](job=context)
    with tenant_scope(tenant):
        run.refresh_from_db()
        Job.objects.filter(public_id=run.job).update(state=Job.State.SUCCEEDED)
    return result


def uploaded(tenant: Tenant, kind: str, data: bytes | str, name: str = "file.csv") -> ImportRun:
    chunks: Iterable[bytes] = [data.encode() if isinstance(data, str) else data]
    with tenant_scope(tenant):
        return wizard.upload(kind=kind, file_name=name, chunks=chunks, by=SYSTEM, at=NOW)


def mapped(tenant: Tenant, run: ImportRun, **changes: Any) -> ImportRun:
    """Choose the proposed plan, with changes of its settings and, by name, of its columns."""
    by_column = changes.pop("columns", {})
    plan = {**run.plan, **changes}
    plan["columns"] = [{**column, **by_column.get(column["source"], {})} for column in plan["columns"]]
    with tenant_scope(tenant):
        return wizard.choose_plan(run=run, plan=plan, by=SYSTEM, at=NOW)


def checked(tenant: Tenant, run: ImportRun, **changes: Any) -> ImportRun:
    run = mapped(tenant, run, **changes)
    run_job("crm.check_import", tenant, run)
    return run


def loaded(tenant: Tenant, kind: str, data: bytes | str, name: str = "file.csv", **changes: Any) -> ImportRun:
    run = checked(tenant, uploaded(tenant, kind, data, name), **changes)
    with tenant_scope(tenant):
        wizard.start_load(run=run, by=SYSTEM, at=NOW)
    run_job("crm.load_import", tenant, run)
    return run


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    return run.rows_read, run.rows_accepted, run.rows_merged, run.rows_quarantined

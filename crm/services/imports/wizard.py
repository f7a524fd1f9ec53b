"""The steps a person or a client app takes: upload, map, check, load, repeat what failed, undo.

Each step is one short transaction; the long ones start a job and return. The states are those of DOMAIN
section 2; a step taken in another state raises ``WrongState``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any, Final

import msgspec
from django.db import transaction

from crm.domain.import_plans import ImportPlan, faults_of, fingerprint_of, plan_of
from crm.domain.proposals import propose
from crm.locks import lock_import_run
from crm.models import ImportMapping, ImportRun, ImportState, StagedRow
from crm.queries import failed_rows
from crm.services.imports import files
from crm.services.imports.errors import PlanInvalid, WrongState
from crm.services.imports.kinds import Kind, kind_of
from tenants import files as private_files
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError
from tenants.models import Job
from tenants.models.base import new_public_id
from tenants.scope import active_tenant
from tenants.services import audit, jobs

FOLDER: Final = "imports"
# Then the file, which holds personal data, and what undoing it would need of it are removed.
KEPT_FOR: Final = timedelta(days=30)
_SAMPLE_ROWS: Final = 200
_EDITABLE: Final = (ImportState.UPLOADED, ImportState.MAPPED, ImportState.CHECKED)
_ENDED: Final = (ImportState.DONE, ImportState.DONE_WITH_ERRORS, ImportState.FAILED)
_TEXT_BY_CODE: Final = {
    "unknown_column": "The file has no such column.",
    "unknown_field": "There is no such field.",
    "unknown_zone": "There is no such time zone.",
    "unknown_currency": "A currency is three capital letters.",
    "fill_missing": "Say what to fill in.",
    "field_twice": "Two columns fill the same field.",
    "column_twice": "The column is planned twice.",
    "field_missing": "No column fills this field, which every row needs.",
    "one_of_missing": "At least one of these fields must be filled by a column.",
    "pattern_invalid": "The pattern is no regular expression.",
}


@transaction.atomic
def upload(
    *, kind: str, file_name: str, chunks: Iterable[bytes], by: Actor, at: datetime, encoding: str = ""
) -> ImportRun:
    """Store a file and propose what becomes of its columns. Raises ``UnknownKind``, ``UnreadableFile``."""
    _require(by, kind_of(kind))
    name = PurePath(file_name.replace("\\", "/").replace("\0", "")).name[:255] or "file"
    stored = private_files.new_path(FOLDER, f"{new_public_id().hex}.data")
    try:
        size = private_files.write(stored, chunks)
        shape = files.shape_of(private_files.absolute(stored), encoding=encoding)
        run = _created(kind, name, stored, size, shape, by=by, at=at)
    except Exception:
        private_files.remove(stored)
        raise
    run.plan = _first_plan(run, kind_of(kind), shape).as_json()
    run.save(update_fields=["plan"])
    audit.record(action="import.uploaded", target=run, by=by, at=at, diff={"file": [None, name]})
    return run


@transaction.atomic
def choose_plan(*, run: ImportRun, plan: Any, by: Actor, at: datetime) -> ImportRun:
    """Set what becomes of the columns, and remember it for files like this. Raises ``PlanInvalid``."""
    kind = kind_of(run.kind)
    _require(by, kind)
    run = _locked(run, _EDITABLE)
    chosen = checked_plan(run=run, plan=plan)
    run.plan, run.state = chosen.as_json(), ImportState.MAPPED
    run.check_report, run.rows_staged, run.rows_read = {}, 0, 0
    run.save(update_fields=["plan", "state", "check_report", "rows_staged", "rows_read"])
    ImportMapping.objects.update_or_create(
        kind=run.kind,
        fingerprint=fingerprint_of(run.shape["header"]),
        defaults={"plan": run.plan, "used_at": at},
    )
    audit.record(action="import.mapped", target=run, by=by, at=at)
    return run


def checked_plan(*, run: ImportRun, plan: Any) -> ImportPlan:
    """Return the plan, valid for the run's file. Raises ``PlanInvalid``, naming every fault."""
    try:
        chosen = plan_of(plan)
    except msgspec.ValidationError as error:
        detail, _, where = str(error).partition(" - at `$")
        pointer = "/" + where.rstrip("`").strip(".").replace("[", "/").replace("]", "").replace(".", "/")
        raise PlanInvalid(errors=[FieldError(pointer.replace("//", "/"), "invalid", detail)]) from error
    faults = faults_of(chosen, header=run.shape["header"], fields=kind_of(run.kind).fields)
    if faults:
        raise PlanInvalid(
            errors=[
                FieldError(each.pointer, each.code, f"{_TEXT_BY_CODE[each.code]} ({each.about})")
                for each in faults
            ]
        )
    return chosen


@transaction.atomic
def start_check(*, run: ImportRun, by: Actor, at: datetime) -> Job:
    """Start the dry run: everything is read and judged, nothing is loaded."""
    _require(by, kind_of(run.kind))
    run = _locked(run, (ImportState.MAPPED, ImportState.CHECKED))
    return _started(run, "crm.check_import", by=by, at=at)


@transaction.atomic
def start_load(*, run: ImportRun, by: Actor, at: datetime) -> Job:
    """Start the load of a checked file, or go on with one that failed half-way."""
    _require(by, kind_of(run.kind))
    run = _locked(run, (ImportState.CHECKED, ImportState.FAILED))
    if not run.file_path or not run.plan:
        raise WrongState("The file of this import is not kept any more.")
    run.state = ImportState.RUNNING
    run.save(update_fields=["state"])
    return _started(run, "crm.load_import", by=by, at=at)


@transaction.atomic
def start_undo(*, run: ImportRun, by: Actor, at: datetime) -> Job:
    """Start taking back what the import did."""
    _require(by, kind_of(run.kind))
    run = _locked(run, _ENDED)
    if run.mapping or not kind_of(run.kind).is_undoable:
        raise WrongState("An import of this kind, or by preset, cannot be undone.")
    return _started(run, "crm.undo_import", by=by, at=at)


@transaction.atomic
def retry_failed(*, run: ImportRun, by: Actor, at: datetime) -> ImportRun:
    """Make a new import of only the failed rows, with the same plan. Raises ``WrongState``."""
    kind = kind_of(run.kind)
    _require(by, kind)
    run = _locked(run, (ImportState.DONE_WITH_ERRORS,))
    stored = private_files.new_path(FOLDER, f"{new_public_id().hex}.data")
    size = private_files.write(stored, failed_rows.csv_chunks(run))
    shape = files.shape_of(private_files.absolute(stored), encoding="utf-8-sig", delimiter=",")
    again = _created(run.kind, run.file_name, stored, size, shape, by=by, at=at)
    again.retry_of, again.plan, again.state = run, run.plan, ImportState.MAPPED
    again.save(update_fields=["retry_of", "plan", "state"])
    audit.record(action="import.retried", target=again, by=by, at=at)
    return again


@transaction.atomic
def discard(*, run: ImportRun, by: Actor, at: datetime) -> None:
    """Forget an import that has loaded nothing, with its file."""
    _require(by, kind_of(run.kind))
    run = _locked(run, _EDITABLE)
    StagedRow.objects.filter(import_run=run).delete()
    audit.record(action="import.discarded", target=run, by=by, at=at)
    path = run.file_path
    run.delete()
    transaction.on_commit(lambda: private_files.remove(path))


def purge(*, at: datetime) -> int:
    """Remove the files and staged rows of imports that nobody has touched for a month; return how many."""
    old = ImportRun.objects.filter(started_at__lt=at - KEPT_FOR).exclude(file_path="")
    for run in old:
        StagedRow.objects.filter(import_run=run).delete()
        private_files.remove(run.file_path)
        run.file_path = ""
        run.save(update_fields=["file_path"])
    return len(old)


def open_job(run: ImportRun) -> Job | None:
    """Return the job that is working on the run, if one is waiting or running."""
    if run.job is None:
        return None
    found: Job | None = Job.objects.filter(public_id=run.job).exclude(state__in=Job.FINISHED).first()
    return found


def _created(
    kind: str, name: str, stored: str, size: int, shape: files.FileShape, *, by: Actor, at: datetime
) -> ImportRun:
    run: ImportRun = ImportRun.objects.create(
        kind=kind,
        file_name=name,
        file_path=stored,
        file_bytes=size,
        shape=shape.as_json(),
        started_by=by.label[:200],
        started_at=at,
    )
    return run


def _first_plan(run: ImportRun, kind: Kind, shape: files.FileShape) -> ImportPlan:
    """Return the remembered plan of files like this one, where it still fits, else a proposal."""
    remembered = ImportMapping.objects.filter(kind=kind.key, fingerprint=fingerprint_of(shape.header)).first()
    if remembered is not None:
        plan = plan_of(remembered.plan)
        if not faults_of(plan, header=shape.header, fields=kind.fields):
            return plan
    tenant = active_tenant()
    rows = next(files.read(private_files.absolute(run.file_path), shape, size=_SAMPLE_ROWS), None)
    prefers_month = tenant.time_zone.startswith("America/") and tenant.currency == "USD"
    return propose(
        header=shape.header,
        sample=rows.cells if rows else [],
        fields=kind.fields,
        prefers="mdy" if prefers_month else "dmy",
    )


def _require(by: Actor, kind: Kind) -> None:
    by.require(Permission.CUSTOMERS_IMPORT)
    by.require(kind.permission)


def _locked(run: ImportRun, states: tuple[ImportState, ...]) -> ImportRun:
    locked = lock_import_run(run.pk)
    if locked.state not in states:
        raise WrongState(f"The import is {locked.state}.", state=locked.state)
    if open_job(locked):
        raise WrongState("A job is working on the import.", state=locked.state)
    return locked


def _started(run: ImportRun, job_kind: str, *, by: Actor, at: datetime) -> Job:
    job = jobs.start(kind=job_kind, params={"import_run": str(run.public_id)}, by=by, at=at)
    run.job = job.public_id
    run.save(update_fields=["job"])
    return job

"""The run of an import: its row, its quarantine, its account of every row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crm.models import ImportRun
from crm.models.import_run import ImportKind, ImportState
from crm.services.imports import staging
from tenants.domain.actors import Actor
from tenants.queue import JobContext
from tenants.scope import active_tenant_id, tenant_scope
from tenants.services import audit


def begin(*, kind: ImportKind, mapping: str, path: Path, by: Actor, at: datetime) -> ImportRun:
    """Open a run. It commits with its rows or not at all."""
    run: ImportRun = ImportRun.objects.create(
        kind=kind,
        mapping=mapping,
        file_name=path.name[:255],
        state=ImportState.RUNNING,
        started_by=by.label[:200],
        started_at=at,
    )
    return run


def record_failure(
    *, kind: ImportKind, mapping: str, path: Path, error: Exception, by: Actor, at: datetime
) -> ImportRun:
    """Keep a trace of a run whose own transaction was rolled back."""
    run = begin(kind=kind, mapping=mapping, path=path, by=by, at=at)
    run.state, run.finished_at, run.report = ImportState.FAILED, at, {"error": str(error)[:2000]}
    run.save(update_fields=["state", "finished_at", "report"])
    audit.record(action="import.failed", target=run, by=by, at=at)
    return run


@contextmanager
def failure_recorded(job: JobContext, kind: ImportKind, mapping: str, path: Path) -> Iterator[None]:
    """Keep a trace of an import that fails inside the block, in a transaction of its own."""
    try:
        yield
    except Exception as error:
        with tenant_scope(job.tenant):
            record_failure(kind=kind, mapping=mapping, path=path, error=error, by=job.actor, at=job.at)
        raise


def no_column(_reason: str) -> str:
    """Name no column: for reasons that concern a whole row."""
    return ""


def quarantine(
    run_id: int,
    reason_by_row: dict[int, str],
    raw: Iterable[tuple[int, dict[str, Any]]],
    column_of: Callable[[str], str] = no_column,
) -> None:
    """Keep the rows of ``reason_by_row`` as they were read; ``column_of`` names what a reason is about."""
    if not reason_by_row:
        return
    staging.run(
        """CREATE TEMPORARY TABLE quarantine (row_number bigint, reason text, "column" text, raw jsonb)
           ON COMMIT DROP"""
    )
    staging.copy_rows(
        "quarantine",
        ("row_number", "reason", '"column"', "raw"),
        (
            (number, reason_by_row[number], column_of(reason_by_row[number]), as_json(row))
            for number, row in raw
        ),
    )
    staging.run(
        """INSERT INTO crm_quarantinedrow (tenant_id, import_run_id, row_number, reason, "column", raw)
           SELECT %(tenant)s, %(run)s, row_number, reason, "column", raw FROM quarantine ORDER BY
               row_number""",
        {"tenant": active_tenant_id(), "run": run_id},
    )
    staging.run("DROP TABLE quarantine")


def as_json(row: dict[str, Any]) -> str:
    """Return a source row as JSON that PostgreSQL takes: dates as text, no NaN, no NUL."""
    return json.dumps(_plain(row), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - the definition of not-a-number
        return None
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\0", "")
    return value if isinstance(value, int | float | bool) or value is None else str(value)


def finish(
    run: ImportRun,
    *,
    read: int,
    merged: int,
    quarantined: int,
    report: dict[str, Any],
    by: Actor,
    at: datetime,
) -> ImportRun:
    """Close the run; what was neither merged nor quarantined was accepted (a constraint checks the sum)."""
    run.rows_read, run.rows_merged, run.rows_quarantined = read, merged, quarantined
    run.rows_accepted = read - merged - quarantined
    run.state = ImportState.DONE_WITH_ERRORS if quarantined else ImportState.DONE
    run.report, run.finished_at = report, at
    run.save()
    audit.record(
        action="import.finished",
        target=run,
        by=by,
        at=at,
        diff={"rows_accepted": [None, run.rows_accepted], "rows_quarantined": [None, quarantined]},
    )
    return run

"""The end of an import of records: refused rows are kept as they came, the staging is cleared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from django.db.models import QuerySet

from crm.locks import lock_import_run
from crm.models import ImportRun, QuarantinedRow, StagedRow
from crm.services.imports import files, staging
from crm.services.imports.kinds import Account, Work
from crm.services.imports.runs import as_json
from tenants.scope import active_tenant_id

_ROWS_AT_ONCE: Final = 5_000
_KEEP = """
INSERT INTO crm_quarantinedrow (tenant_id, import_run_id, row_number, reason, "column", raw)
SELECT tenant_id, import_run_id, row_number, reason, "column", coalesce(fields->'raw', fields) FROM
    crm_stagedrow
WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s AND outcome = 'quarantined' AND fields ? 'raw'
ORDER BY row_number ON CONFLICT (tenant_id, import_run_id, row_number) DO NOTHING
"""
_VERDICTS = """
SELECT outcome, reason, count(*) FROM crm_stagedrow
WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s AND outcome <> '' GROUP BY outcome, reason
"""
# A loader refuses rows with this; what they were is read again from the file at the end.
REFUSE = """
UPDATE crm_stagedrow s SET outcome = 'quarantined', reason = r.reason, "column" = r."column" FROM refused r
WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(run)s AND s.row_number = r.row_number
"""


def _params(work: Work) -> dict[str, Any]:
    return {"tenant": active_tenant_id(), "run": work.run_id}


def verdicts(work: Work) -> dict[str, Counter[str]]:
    """Return the rows that are not loaded: counts of the reasons, by outcome."""
    found: dict[str, Counter[str]] = {"merged": Counter(), "quarantined": Counter()}
    for outcome, reason, count in staging.rows(_VERDICTS, _params(work)):
        found[outcome][reason] = count
    return found


def keep_refused(work: Work) -> None:
    """Keep the refused rows in the quarantine, as they were read."""
    staging.run(_KEEP, _params(work))
    if not _refused_late(work).exists():
        return
    for rows in files.read(work.path, work.shape):
        reasons = _refused_late(work).filter(row_number__range=(rows.first_row, rows.last_row))
        QuarantinedRow.objects.bulk_create(
            [
                QuarantinedRow(
                    import_run_id=work.run_id,
                    row_number=number,
                    reason=reason,
                    column=column,
                    raw=dict(zip(work.shape.header, rows.cells[number - rows.first_row], strict=True)),
                )
                for number, reason, column in reasons.values_list("row_number", "reason", "column")
            ],
            ignore_conflicts=True,
        )


def refused_late(work: Work) -> dict[int, tuple[str, str]]:
    """Return reason and column of the rows that were refused after they had been read, by row number."""
    rows = _refused_late(work).order_by("row_number").values_list("row_number", "reason", "column")
    return {number: (reason, column) for number, reason, column in rows}


def quarantined(work: Work, refused: Mapping[int, tuple[str, str]]) -> Iterator[list[QuarantinedRow]]:
    """Yield the refused rows as they are in the file, some thousands at a time; nothing is written."""
    from crm.services.imports import sources  # noqa: PLC0415 - pyarrow costs a second to import

    rows = sources.raw_rows(work.path, work.shape.header, refused, work.shape)
    while block := list(islice(rows, _ROWS_AT_ONCE)):
        yield [
            QuarantinedRow(
                import_run_id=work.run_id,
                row_number=number,
                reason=refused[number][0],
                column=refused[number][1],
                raw=json.loads(as_json(raw)),
            )
            for number, raw in block
        ]


def show_refused(work: Work) -> None:
    """Put what the first refused rows were beside their reasons."""
    waiting = {row.row_number: row for row in _refused_late(work)}
    for block in quarantined(work, refused_late(work)):
        for row in block:
            waiting[row.row_number].fields = {"raw": row.raw}
    StagedRow.objects.bulk_update(waiting.values(), ["fields"], batch_size=_ROWS_AT_ONCE)


def _refused_late(work: Work) -> QuerySet[StagedRow]:
    found: QuerySet[StagedRow] = StagedRow.objects.filter(
        import_run_id=work.run_id, outcome=StagedRow.Outcome.QUARANTINED
    ).exclude(fields__has_key="raw")
    return found


def clear(work: Work) -> None:
    """Remove the staged rows of the run."""
    staging.run(
        "DELETE FROM crm_stagedrow WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s", _params(work)
    )


def add_to_undo_report(work: Work, counts: Counter[str]) -> None:
    """Count what a block of the undo did, in the block's own transaction."""
    run = lock_import_run(work.run_id)
    run.undo_report = dict(Counter(run.undo_report) + counts)
    run.save(update_fields=["undo_report"])


def keep_account(work: Work, account: Account) -> None:
    """Keep the account with the last rows, for a load that ends between this commit and its own end."""
    run = lock_import_run(work.run_id)
    run.position, run.report = account.read, {"account": account.as_json()}
    run.save(update_fields=["position", "report"])


def kept_account(run: ImportRun) -> Account | None:
    """Return what a load that ended between its last commit and its end had kept, or ``None``."""
    stored = run.report.get("account")
    return Account(**stored) if stored else None

"""Imports of records: rows are staged whole, checked against what is there, loaded block by block.

A block's rows, its journal and the run's position commit together, so a load that was killed goes on after
the last block and does nothing twice. Rows of one key fold into one: later cells win, blank ones keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.db import IntegrityError

from crm.domain.row_parser import ParsedRow, RowParser
from crm.locks import lock_import_run, lock_imports
from crm.models import ImportRun, StagedRow
from crm.services.imports import files, settling, staging
from crm.services.imports.kinds import Account, Work
from crm.services.imports.runs import as_json
from tenants.scope import tenant_scope

BLOCK_ROWS: Final = 20_000
UNDO_ROWS: Final = 5_000
ATTEMPTS: Final = 3
NEW, CHANGED, UNCHANGED, REFUSED = "new", "changed", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class Keyed:
    """What a row is about; or why it is about nothing."""

    match_kind: str = ""
    key: str = ""
    reason: str = ""
    column: str = ""


class Loader(Protocol):
    """What a kind of record does with the rows of a block, inside the block's transaction.

    ``params`` name ``tenant``, ``run``, ``first``, ``last`` and ``at``. Counts are rows by ``NEW``,
    ``CHANGED``, ``UNCHANGED`` and ``REFUSED`` (marked by the loader), and ``warning:<code>``.
    """

    def keyer(self, work: Work) -> Callable[[dict[str, Any]], Keyed]:
        """Return what tells from a row's fields which record it is about."""

    def prepare(self, work: Work) -> None:
        """Do once, before the first block, what all blocks need."""

    def judge(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        """Count what a load of the block would do, without doing it."""

    def load(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        """Write the block's records, and what they were before into the import's journal."""

    def undo(self, params: dict[str, Any]) -> Counter[str]:
        """Give the journal's next ``size`` records back what they were; counts what became of them."""

    def finish(self, work: Work) -> None:
        """Do once, after the last block, what follows from the whole import."""


_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_block (
    row_number bigint, match_kind text, key text, fields jsonb, outcome text, reason text, "column" text
) ON COMMIT DELETE ROWS;
TRUNCATE staged_block
"""
_COLUMNS: Final = ("row_number", "match_kind", "key", "fields", "outcome", "reason", '"column"')
_KEEP_BLOCK = """
INSERT INTO crm_stagedrow (tenant_id, import_run_id, row_number, match_kind, key, fields, outcome,
    reason, "column")
SELECT %(tenant)s, %(run)s, row_number, match_kind, key, fields, outcome, reason, "column" FROM staged_block
"""
_FOLD = """
WITH repeated AS MATERIALIZED (
    SELECT match_kind, key, max(row_number) AS last_row FROM crm_stagedrow
    WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s AND outcome = ''
    GROUP BY match_kind, key HAVING count(*) > 1
), folded AS (
    SELECT r.last_row, jsonb_object_agg(e.key, e.value ORDER BY s.row_number) AS fields
    FROM crm_stagedrow s JOIN repeated r USING (match_kind, key) CROSS JOIN LATERAL jsonb_each(s.fields) e
    WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(run)s AND s.outcome = '' GROUP BY r.last_row
), latest AS (
    SELECT r.match_kind, r.key, r.last_row, s.fields AS own, f.fields
    FROM repeated r JOIN folded f USING (last_row) JOIN crm_stagedrow s
      ON s.tenant_id = %(tenant)s AND s.import_run_id = %(run)s AND s.row_number = r.last_row
)
UPDATE crm_stagedrow s SET
    outcome = CASE WHEN s.row_number = l.last_row THEN '' ELSE 'merged' END,
    reason = CASE WHEN s.row_number = l.last_row THEN ''
                  WHEN s.fields = l.own THEN 'exact_duplicate' ELSE 'same_key' END,
    fields = CASE WHEN s.row_number = l.last_row THEN l.fields ELSE s.fields END
FROM latest l
WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(run)s AND s.outcome = ''
  AND s.match_kind = l.match_kind AND s.key = l.key
"""
TAKE_CHANGES = """
DROP TABLE IF EXISTS undone;
CREATE TEMPORARY TABLE undone ON COMMIT DROP AS
SELECT id, row_number, subject, subject_id, is_new, before, after FROM crm_importchange
WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s ORDER BY id DESC LIMIT %(size)s
"""
DROP_CHANGES = """
DELETE FROM crm_importchange c USING undone u WHERE c.tenant_id = %(tenant)s AND c.id = u.id
"""


class RecordImporter:
    """The importer of a kind whose rows are records of their own: customers, items, events, balances."""

    def __init__(self, fields: Any, loader: Loader) -> None:
        self.fields, self.loader = fields, loader

    def check(self, work: Work) -> Account:
        """Stage the file and say what a load would do; only the staging is written."""
        read = self._stage(work)
        counts: Counter[str] = Counter()
        for params in self._blocks(work, 0, read):
            with tenant_scope(work.tenant):
                counts += self.loader.judge(work, params)
            work.progress(read + params["last"], 2 * read, "checking rows")
        with tenant_scope(work.tenant):
            return self._account(work, read, counts)

    def load(self, work: Work) -> Account:
        with tenant_scope(work.tenant):
            run = ImportRun.objects.get(pk=work.run_id)
            if kept := settling.kept_account(run):
                return kept
            is_staged = StagedRow.objects.filter(import_run=run).exists()
        read = run.rows_staged if is_staged else self._stage(work)
        with tenant_scope(work.tenant):
            self.loader.prepare(work)
        for params in self._blocks(work, run.position, read):
            self._load_block(work, params)
            work.progress(params["last"], read, "rows loaded")
        self.loader.finish(work)
        with tenant_scope(work.tenant):
            run = lock_import_run(work.run_id)
            account = self._account(work, read, Counter(run.report.get("counts", {})))
            settling.keep_refused(work)
            settling.clear(work)
            settling.keep_account(work, account)
        return account

    def undo(self, work: Work) -> dict[str, int]:
        """Take the journal back, newest first, a block a transaction; what was taken back leaves it."""
        total: Counter[str] = Counter()
        while True:
            with tenant_scope(work.tenant):
                lock_imports()
                params = {**self._params(work), "size": UNDO_ROWS}
                staging.run(TAKE_CHANGES, params)
                [(taken,)] = staging.rows("SELECT count(*) FROM undone")
                if not taken:
                    return dict(total)
                counts = self.loader.undo(params)
                staging.run(DROP_CHANGES, params)
                settling.add_to_undo_report(work, counts)
            total += counts
            work.progress(sum(total.values()), 0, "rows undone")

    def _stage(self, work: Work) -> int:
        parser = RowParser(
            work.plan,
            header=work.shape.header,
            fields=self.fields,
            zone=work.tenant.time_zone,
            currency=work.tenant.currency,
        )
        read = 0
        with tenant_scope(work.tenant):
            settling.clear(work)
            find_key = self.loader.keyer(work)
        for rows in files.read(work.path, work.shape, size=BLOCK_ROWS):
            with tenant_scope(work.tenant):
                staging.run(_STAGE)
                staging.copy_rows("staged_block", _COLUMNS, self._staged(rows, work, parser, find_key))
                staging.run(_KEEP_BLOCK, self._params(work))
            read = rows.last_row
            work.progress(read, 0, "rows read")
        with tenant_scope(work.tenant):
            staging.run("SET LOCAL work_mem = '128MB'; SET LOCAL statement_timeout = 0")
            staging.run(_FOLD, self._params(work))
            ImportRun.objects.filter(pk=work.run_id).update(rows_staged=read, position=0)
        return read

    def _staged(
        self,
        rows: files.Rows,
        work: Work,
        parser: RowParser,
        find_key: Callable[[dict[str, Any]], Keyed],
    ) -> Iterator[tuple[Any, ...]]:
        header = work.shape.header
        for number, cells in enumerate(rows.cells, start=rows.first_row):
            flaw = rows.flaws.get(number)
            parsed = ParsedRow({}, flaw) if flaw else parser(cells)
            keyed = Keyed(reason=parsed.reason, column=parsed.column)
            if not parsed.reason:
                keyed = find_key(parsed.values)
            if keyed.reason:
                raw = as_json({"raw": dict(zip(header, cells, strict=True))})
                yield number, "", "", raw, "quarantined", keyed.reason, keyed.column
            else:
                yield number, keyed.match_kind, keyed.key, as_json(parsed.values), "", "", ""

    def _load_block(self, work: Work, params: dict[str, Any]) -> None:
        """Load one block; a race with the API over the same new customer is run again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with tenant_scope(work.tenant):
                    return self._load_once(work, params)
            except IntegrityError:
                if attempt == ATTEMPTS:
                    raise
        return None

    def _load_once(self, work: Work, params: dict[str, Any]) -> None:
        lock_imports()
        run = lock_import_run(work.run_id)
        staging.run("SET LOCAL work_mem = '64MB'; SET LOCAL statement_timeout = 0; SET LOCAL jit = off")
        counts = Counter(run.report.get("counts", {})) + self.loader.load(work, params)
        staging.analyze_after(params["last"] // BLOCK_ROWS)
        run.position, run.report = params["last"], {**run.report, "counts": dict(counts)}
        run.save(update_fields=["position", "report"])

    def _blocks(self, work: Work, position: int, read: int) -> Iterator[dict[str, Any]]:
        for first in range(position + 1, read + 1, BLOCK_ROWS):
            yield {**self._params(work), "first": first, "last": min(first + BLOCK_ROWS - 1, read)}

    def _params(self, work: Work) -> dict[str, Any]:
        return {"tenant": work.tenant.pk, "run": work.run_id, "at": work.at}

    def _account(self, work: Work, read: int, counts: Counter[str]) -> Account:
        rows = settling.verdicts(work)
        refused: Counter[str] = rows["quarantined"]
        merged: Counter[str] = rows["merged"]
        return Account(
            read=read,
            merged=merged.total() + counts[UNCHANGED],
            quarantined=refused.total(),
            report={
                "new": counts[NEW],
                "changed": counts[CHANGED],
                "unchanged": counts[UNCHANGED],
                "merged": dict(merged.most_common()),
                "quarantined": dict(refused.most_common()),
                "warnings": {
                    name.removeprefix("warning:"): count
                    for name, count in counts.items()
                    if name.startswith("warning:") and count
                },
            },
        )

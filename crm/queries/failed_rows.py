"""The failed rows of an import as a file that can be corrected and uploaded again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from crm.domain.import_plans import OWN_COLUMNS, REASON_COLUMN, ROW_COLUMN, WRONG_COLUMN
from crm.domain.spreadsheets import neutral
from crm.models import ImportRun, QuarantinedRow
from tenants.scope import active_tenant_id, tenant_scope

_ROWS_A_CHUNK: Final = 2_000


def in_scope(run: ImportRun) -> Iterator[bytes]:
    """Yield the file in a scope of its own: it is read after the request's has closed."""
    tenant_id = active_tenant_id()

    def chunks() -> Iterator[bytes]:
        with tenant_scope(tenant_id):
            yield from csv_chunks(run)

    return chunks()


def csv_chunks(run: ImportRun) -> Iterator[bytes]:
    """Yield UTF-8 with a byte order mark, which spreadsheets need: the columns as read, then our reason."""
    header = [name for name in run.shape.get("header", []) if name not in OWN_COLUMNS] or _names(run)
    yield "\ufeff".encode() + _lines([[neutral(name) for name in (*header, *OWN_COLUMNS)]])
    rows = QuarantinedRow.objects.filter(import_run=run).order_by("row_number")
    last = -1
    while block := list(rows.filter(row_number__gt=last)[:_ROWS_A_CHUNK]):
        yield _lines([_cells(row, header) for row in block])
        last = block[-1].row_number


def _names(run: ImportRun) -> list[str]:
    first = QuarantinedRow.objects.filter(import_run=run).order_by("row_number").first()
    return list(first.raw) if first else []


def _cells(row: QuarantinedRow, header: list[str]) -> list[str]:
    ours: dict[str, Any] = {ROW_COLUMN: row.row_number, REASON_COLUMN: row.reason, WRONG_COLUMN: row.column}
    texts = [row.raw.get(name) for name in header] + [ours[name] for name in OWN_COLUMNS]
    return ["" if text is None else neutral(str(text)) for text in texts]


def _lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()

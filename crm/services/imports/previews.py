"""The first rows of a file as they are, and as a plan reads them; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from crm.domain.row_parser import RowParser
from crm.models import ImportRun
from crm.services.imports import files, wizard
from crm.services.imports.errors import UnreadableFile
from crm.services.imports.files import FileShape
from crm.services.imports.kinds import kind_of
from tenants import files as private_files
from tenants.scope import active_tenant

_ROWS: Final = 8


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row as a plan reads it: values in the order of ``targets``, or the reason against it."""

    number: int
    values: list[Any]
    reason: str
    column: str


def samples(run: ImportRun) -> list[list[files.Cell]]:
    """Return the first rows' cells; none when the file is not kept any more."""
    try:
        shape = FileShape.of_json(run.shape)
        block = next(files.read(private_files.absolute(run.file_path), shape, size=_ROWS), None)
    except (UnreadableFile, OSError, KeyError, TypeError):
        return []
    return block.cells if block else []


def preview(*, run: ImportRun, plan: Any) -> tuple[list[str], list[PreviewRow]]:
    """Return the targets and the first rows as ``plan`` reads them. Raises ``PlanInvalid``."""
    chosen = wizard.checked_plan(run=run, plan=plan)
    tenant = active_tenant()
    targets = [column.target for column in chosen.columns if column.target]
    parser = RowParser(
        chosen,
        header=run.shape["header"],
        fields=kind_of(run.kind).fields,
        zone=tenant.time_zone,
        currency=tenant.currency,
    )
    rows = []
    for number, cells in enumerate(samples(run), start=1):
        parsed = parser(cells)
        values = [parsed.values.get(target) for target in targets]
        rows.append(PreviewRow(number, values, parsed.reason, parsed.column))
    return targets, rows

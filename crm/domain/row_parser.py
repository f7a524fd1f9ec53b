"""One row of a file to the values of its fields, after a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from crm.domain.cells import CellError, CellRule, reader_of
from crm.domain.import_fields import FieldSet, ImportField
from crm.domain.import_plans import ColumnPlan, ImportPlan, field_of
from crm.domain.money import exponent


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """The values by field, or the first reason against the row and the column it is about."""

    values: dict[str, Any]
    reason: str = ""
    column: str = ""


@dataclass(slots=True)
class _Column:
    position: int
    plan: ColumnPlan
    field: ImportField
    read: Callable[[str], Any]
    previous: str | None = None

    def filled(self) -> str | None:
        """Return what stands in for a blank cell, None when nothing does."""
        if self.plan.missing == "fill":
            return self.plan.fill
        return self.previous if self.plan.missing == "previous" else None


class RowParser:
    """Reads rows in their order. ``zone`` and ``currency`` are the tenant's, where the plan names none."""

    def __init__(
        self, plan: ImportPlan, *, header: Sequence[str], fields: FieldSet, zone: str, currency: str
    ) -> None:
        self.clears_blank = plan.clears_blank
        places = exponent(plan.currency or currency)
        self.columns = [
            _Column(header.index(column.source), column, field, _reader(column, field, plan, zone, places))
            for column in plan.columns
            if column.target and (field := field_of(column, fields)) is not None
        ]

    def __call__(self, cells: Sequence[str | None]) -> ParsedRow:
        values: dict[str, Any] = {}
        for column in self.columns:
            cell = cells[column.position]
            if cell is None:
                cell = column.filled()
            elif column.plan.missing == "previous":
                column.previous = cell
            if cell is None:
                if column.plan.missing == "drop" or column.field.is_required:
                    return ParsedRow(values, "value_missing", column.plan.source)
                if self.clears_blank:
                    values[column.field.key] = None
                continue
            try:
                values[column.field.key] = column.read(cell)
            except CellError as error:
                return ParsedRow(values, error.code, column.plan.source)
        return ParsedRow(values)


def _reader(
    column: ColumnPlan, field: ImportField, plan: ImportPlan, zone: str, places: int
) -> Callable[[str], Any]:
    return reader_of(
        CellRule(
            type=field.type,
            zone=ZoneInfo(column.zone or plan.zone or zone),
            date_format=column.date_format,
            is_decimal_comma=column.decimal_comma,
            is_minor=column.unit == "minor",
            exponent=places,
            longest=field.longest,
        )
    )

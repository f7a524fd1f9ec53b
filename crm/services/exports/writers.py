"""Files from rows, a row at a time: CSV, XLSX and Parquet, formulas neutralised, numbers typed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from crm.domain.spreadsheets import neutral
from crm.services.exports.errors import ExportNotReady
from crm.services.exports.lists import Column, Row

Writer = Callable[[Path, tuple[Column, ...], Iterable[Row], ZoneInfo], int]
MOST_SHEET_ROWS: Final = 1_048_575
_GROUP_ROWS: Final = 50_000
_LONGEST_CELL: Final = 32_767


def write_csv(path: Path, columns: tuple[Column, ...], rows: Iterable[Row], zone: ZoneInfo) -> int:
    """Write UTF-8 with a byte order mark, which spreadsheets need; moments are ISO 8601 in UTC."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in columns])
        for row in rows:
            writer.writerow([_csv_cell(value) for value in row])
            count += 1
    return count


def _csv_cell(value: Any) -> Any:
    value = plain(value)
    return neutral(value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """Return a value as text, number or None; JSON stays JSON, moments are ISO 8601 in UTC."""
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return str(value)


def write_xlsx(path: Path, columns: tuple[Column, ...], rows: Iterable[Row], zone: ZoneInfo) -> int:
    """Write one sheet in constant memory; moments are in the tenant's zone, texts are never formulas.

    Raises ``ExportNotReady`` beyond the rows a sheet can hold.
    """
    import xlsxwriter  # noqa: PLC0415 - only workbooks pay for it

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet()
        formats = {
            "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        sheet.write_row(0, 0, [column.name for column in columns], book.add_format({"bold": True}))
        for count, row in enumerate(rows, start=1):
            if count > MOST_SHEET_ROWS:
                raise ExportNotReady("A sheet holds no more than 1,048,575 rows; choose CSV or Parquet.")
            for position, value in enumerate(row):
                _write_cell(sheet, (count, position), value, formats, zone)
    return count


def _write_cell(
    sheet: Any, place: tuple[int, int], value: Any, formats: dict[str, Any], zone: ZoneInfo
) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, int | float):
        sheet.write_number(*place, value)
    elif isinstance(value, datetime):
        wall = value.astimezone(zone).replace(tzinfo=None)
        sheet.write_datetime(*place, wall, formats["moment"])
    elif isinstance(value, date):
        sheet.write_datetime(*place, value, formats["day"])
    elif (text := plain(value)) not in (None, ""):
        sheet.write_string(*place, neutral(str(text))[:_LONGEST_CELL])


def write_parquet(path: Path, columns: tuple[Column, ...], rows: Iterable[Row], zone: ZoneInfo) -> int:
    """Write typed columns, a row group at a time; moments are in UTC."""
    import pyarrow as pa  # noqa: PLC0415 - costs a second to import
    import pyarrow.parquet as pq  # noqa: PLC0415

    types = {
        "number": pa.float64(),
        "moment": pa.timestamp("us", "UTC"),
        "day": pa.date32(),
        "yes": pa.bool_(),
    }
    schema = pa.schema([(column.name, types.get(column.type, pa.string())) for column in columns])
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            arrays = [
                pa.array([_typed(row[at], column.type) for row in group], schema.field(at).type)
                for at, column in enumerate(columns)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            count += len(group)
    return count


def _typed(value: Any, kind: str) -> Any:
    return value if value is None or kind != "text" else str(plain(value))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while group := list(islice(remaining, _GROUP_ROWS)):
        yield group


WRITERS: Final[dict[str, Writer]] = {"csv": write_csv, "xlsx": write_xlsx, "parquet": write_parquet}

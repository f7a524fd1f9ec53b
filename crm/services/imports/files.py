"""Files as rows of text: CSV in any dialect, XLSX and Parquet, streamed, with caps on everything.

Rows are numbered from 1 after the header; blank rows are skipped and not numbered. What is wrong with a row
as such (its width, a cell that is too long, bytes that are no characters) travels with it as a flaw.
"""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from crm.domain.text_shapes import ByteScan, delimiter_of, encoding_of, header_names, is_binary
from crm.services.imports.errors import UnreadableFile

ROWS_A_BLOCK: Final = 20_000
# A longer cell is no cell of a record; it would only fill the memory of the worker.
LONGEST_CELL: Final = 100_000
LONGEST_LINE: Final = 1_000_000
MOST_COLUMNS: Final = 500
MOST_SHEET_BYTES: Final = 200 * 1024 * 1024
MOST_ZIP_ENTRIES: Final = 2_000
# Spreadsheets shrink ten- to fifty-fold; a bomb shrinks a thousand-fold.
HIGHEST_ZIP_RATIO: Final = 200
_SMALL_ENTRY: Final = 4 * 1024 * 1024
MOST_ROW_GROUP_BYTES: Final = 1024 * 1024 * 1024
_BLOCK_BYTES: Final = 1024 * 1024
_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0"

Cell = str | None


@dataclass(frozen=True, slots=True)
class FileShape:
    """How a file is to be read; stored with the import, so that every pass reads it alike."""

    format: str
    header: tuple[str, ...]
    encoding: str = ""
    delimiter: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "header": list(self.header)}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> FileShape:
        return cls(**{**stored, "header": tuple(stored["header"])})


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows, each as wide as the header; ``flaws`` by row number."""

    first_row: int
    cells: list[list[Cell]]
    flaws: dict[int, str] = field(default_factory=dict)

    @property
    def last_row(self) -> int:
        return self.first_row + len(self.cells) - 1


def shape_of(path: Path, *, encoding: str = "", delimiter: str = "") -> FileShape:
    """Return how to read ``path``, told from its bytes. Raises ``UnreadableFile``."""
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path.name}.")
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise UnreadableFile("The file is empty.")
    if head.startswith(b"PK\x03\x04"):
        return FileShape("xlsx", _checked_header(next(_sheet_rows(path), [])))
    if head.startswith(b"PAR1"):
        return FileShape("parquet", _checked_header(list(_parquet(path).schema_arrow.names)))
    if head.startswith(_OLE_MAGIC):
        raise UnreadableFile("This is an old Excel file (XLS). Save it as XLSX or CSV.")
    return _text_shape(path, encoding, delimiter)


def read(path: Path, shape: FileShape, *, after: int = 0, size: int = ROWS_A_BLOCK) -> Iterator[Rows]:
    """Yield the rows after row ``after`` in blocks. Raises ``UnreadableFile``."""
    reader = {"csv": _csv_rows, "xlsx": _xlsx_rows, "parquet": _parquet_rows}[shape.format]
    numbered = enumerate(reader(path, shape), start=1)
    remaining = islice(numbered, after, None)
    width = len(shape.header)
    while block := list(islice(remaining, size)):
        flaws = {number: flaw for number, (row, known) in block if (flaw := known or _flaw(row, width))}
        cells = [row if len(row) == width else _fitted(row, width) for _number, (row, _known) in block]
        yield Rows(block[0][0], cells, flaws)


def text_of(value: Any) -> Cell:
    """Return a cell as trimmed text, None when it is empty; a whole float loses its ``.0``."""
    if value is None:
        return None
    spell = _SPELLING_BY_TYPE.get(type(value), str)
    return spell(value).replace("\0", "").strip() or None


def _spelled_float(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


def _spelled_moment(value: datetime) -> str:
    is_day = value.time() == time() and value.tzinfo is None
    return value.date().isoformat() if is_day else value.isoformat(sep=" ")


_SPELLING_BY_TYPE: Final[dict[type, Callable[[Any], str]]] = {
    float: _spelled_float,
    bool: lambda value: "true" if value else "false",
    datetime: _spelled_moment,
    date: date.isoformat,
    time: time.isoformat,
}


def _checked_header(cells: Iterable[Any]) -> tuple[str, ...]:
    names = header_names([text_of(cell) for cell in cells])
    if not names or all(name.startswith("column ") for name in names):
        raise UnreadableFile("The file has no row of column names.")
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile(f"The file has {len(names)} columns; at most {MOST_COLUMNS} are read.")
    return tuple(name[:200] for name in names)


def _flaw(row: list[Cell], width: int) -> str:
    if len(row) != width:
        return "row_malformed"
    if any(cell is not None and len(cell) > LONGEST_CELL for cell in row):
        return "cell_too_long"
    return "character_unreadable" if any(cell is not None and "\ufffd" in cell for cell in row) else ""


def _fitted(row: list[Cell], width: int) -> list[Cell]:
    """Keep what a row of the wrong width holds: what is too much goes into its last cell."""
    if len(row) < width:
        return [*row, *[None] * (width - len(row))]
    return [*row[: width - 1], " | ".join(cell or "" for cell in row[width - 1 :])[:LONGEST_CELL]]


# --- Text -----------------------------------------------------------------------------------------


def _text_shape(path: Path, encoding: str, delimiter: str) -> FileShape:
    if not encoding:
        scan = ByteScan()
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                scan.feed(block)
        scan.finish()
        encoding = encoding_of(scan)
        if not encoding.startswith("utf-16") and is_binary(scan.head):
            raise UnreadableFile("This is no text, XLSX or Parquet file.")
    with path.open(encoding=encoding, errors="replace", newline="") as text:
        sample = "".join(islice(_lines(text), 100))[:200_000]
    delimiter = delimiter or delimiter_of(sample)
    header: list[Cell] = next((row for row, _flaw in _csv_cells(path, encoding, delimiter)), [])
    return FileShape("csv", _checked_header(header), encoding, delimiter)


def _csv_rows(path: Path, shape: FileShape) -> Iterator[tuple[list[Cell], str]]:
    return islice(_csv_cells(path, shape.encoding, shape.delimiter), 1, None)


def _csv_cells(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[list[Cell], str]]:
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding=encoding, errors="replace", newline="") as text:
        reader = csv.reader(_lines(text), delimiter=delimiter)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                # The reader starts afresh with the next line; what it had swallowed is this one bad row.
                yield [], "cell_too_long"
                continue
            if any(row):
                yield [cell.strip() or None for cell in row], ""


def _lines(text: TextIO) -> Iterator[str]:
    """Yield lines without NUL; of an endless one only the beginning is kept in memory."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            while (rest := text.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                pass
        yield line.replace("\0", "") if "\0" in line else line


# --- XLSX -----------------------------------------------------------------------------------------


def _xlsx_rows(path: Path, shape: FileShape) -> Iterator[tuple[list[Cell], str]]:
    width = len(shape.header)
    for row in islice(_sheet_rows(path), 1, None):
        # A sheet is as wide as its widest row; empty cells beyond the header are no flaw.
        while len(row) > width and row[-1] is None:
            row.pop()
        yield row, ""


def _sheet_rows(path: Path) -> Iterator[list[Cell]]:
    _check_zip(path)
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - only for spreadsheets

    try:
        with CalamineWorkbook.from_path(path) as book:
            sheet = book.get_sheet_by_index(0)
            for row in sheet.iter_rows():
                cells = [text_of(value) for value in row]
                if any(cells):
                    yield cells
    except (CalamineError, IndexError) as error:
        raise UnreadableFile(f"This is not a readable XLSX file: {error}") from error


def _check_zip(path: Path) -> None:
    """Refuse an archive that would unfold beyond the caps, reading it through: headers may lie."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ZIP_ENTRIES:
                raise UnreadableFile("The XLSX file has too many parts.")
            if sum(entry.file_size for entry in entries) > MOST_SHEET_BYTES:
                raise UnreadableFile("The XLSX file is too large once unpacked. Save it as CSV.")
            for entry in entries:
                _check_entry(archive, entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UnreadableFile(f"This is not a readable XLSX file: {error}") from error


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    if entry.file_size > _SMALL_ENTRY and entry.file_size > HIGHEST_ZIP_RATIO * entry.compress_size:
        raise UnreadableFile("The XLSX file unpacks to far more than it should.")
    with archive.open(entry) as part:
        while part.read(_BLOCK_BYTES):
            pass


# --- Parquet --------------------------------------------------------------------------------------


def _parquet(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - costs a second to import
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(path)
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        if any(group.total_byte_size > MOST_ROW_GROUP_BYTES for group in groups):
            raise UnreadableFile("A row group of the Parquet file is too large.")
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(f"{path.name} is not a readable Parquet file: {error}") from error
    return file


def _parquet_rows(path: Path, shape: FileShape) -> Iterator[tuple[list[Cell], str]]:
    import pyarrow as pa  # noqa: PLC0415 - costs a second to import

    try:
        for batch in _parquet(path).iter_batches(batch_size=ROWS_A_BLOCK):
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                yield [text_of(value) for value in values], ""
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(f"{path.name} is not a readable Parquet file: {error}") from error

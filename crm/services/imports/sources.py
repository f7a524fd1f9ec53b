"""Row sources: a Parquet or CSV file as record batches, with the number of every row."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crm.services.imports.errors import MissingColumns, UnreadableFile

BATCH_ROWS = 131_072
# A longer cell is no cell of an order file; it would only fill the memory of the worker.
LONGEST_CELL = 100_000
_SNIFFED_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows; ``first_row`` counts from 1 after the header; ``ragged`` are malformed rows."""

    first_row: int
    rows: pa.RecordBatch
    ragged: frozenset[int] = frozenset()


def read(path: Path, columns: Sequence[str], optional: Collection[str] = ()) -> Iterator[Batch]:
    """Yield the named columns of ``path``. Raises ``UnreadableFile`` and ``MissingColumns``."""
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path.name}.")
    reader = _read_parquet if path.suffix.lower() in {".parquet", ".pq"} else _read_csv
    return reader(path, columns, optional)


def raw_rows(
    path: Path, columns: Sequence[str], numbers: Collection[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(row number, row as read)`` of the rows in ``numbers``; a second, sparse pass over the file."""
    wanted = sorted(numbers)
    position = 0
    for batch in read(path, columns, optional=columns):
        end = batch.first_row + batch.rows.num_rows
        stop = position
        while stop < len(wanted) and wanted[stop] < end:
            stop += 1
        if stop > position:
            indices = pa.array([number - batch.first_row for number in wanted[position:stop]])
            rows = batch.rows.take(indices).to_pylist()
            yield from zip(wanted[position:stop], rows, strict=True)
        position = stop


def _check_columns(present: Collection[str], columns: Sequence[str], optional: Collection[str]) -> list[str]:
    missing = [name for name in columns if name not in present and name not in optional]
    if missing:
        raise MissingColumns(
            f"The file lacks the columns {', '.join(missing)}; it has {', '.join(present)}.", columns=missing
        )
    return [name for name in columns if name in present]


def _read_parquet(path: Path, columns: Sequence[str], optional: Collection[str]) -> Iterator[Batch]:
    try:
        file = pq.ParquetFile(path)
        names = _check_columns(file.schema_arrow.names, columns, optional)
        first_row = 1
        for rows in file.iter_batches(batch_size=BATCH_ROWS, columns=names):
            yield Batch(first_row, rows)
            first_row += rows.num_rows
    except pa.ArrowException as error:
        raise UnreadableFile(f"{path.name} is not a readable Parquet file: {error}") from error


def _read_csv(path: Path, columns: Sequence[str], optional: Collection[str]) -> Iterator[Batch]:
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        reader = csv.reader((line.replace("\0", "") for line in text), delimiter=_delimiter(path))
        try:
            header = [name.strip() for name in next(reader, [])]
            names = _check_columns(header, columns, optional)
            indices = [header.index(name) for name in names]
            first_row = 1
            while chunk := list(islice(reader, BATCH_ROWS)):
                yield _csv_batch(chunk, first_row, names, indices, len(header))
                first_row += len(chunk)
        except csv.Error as error:
            raise UnreadableFile(f"{path.name}, line {reader.line_num}: {error}") from error


def _csv_batch(
    chunk: list[list[str]], first_row: int, names: list[str], indices: list[int], width: int
) -> Batch:
    ragged = frozenset(first_row + offset for offset, row in enumerate(chunk) if len(row) != width)
    arrays = [
        pa.array([(row[index].strip() or None) if index < len(row) else None for row in chunk], pa.string())
        for index in indices
    ]
    return Batch(first_row, pa.RecordBatch.from_arrays(arrays, names=names), ragged)


def _delimiter(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        header = text.readline(_SNIFFED_BYTES)
    return max(",;\t|", key=header.count)

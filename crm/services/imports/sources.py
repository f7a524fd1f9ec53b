"""Row sources: a file as record batches of the wanted columns, with the number of every row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crm.services.imports import files
from crm.services.imports.errors import MissingColumns, UnreadableFile

BATCH_ROWS = 131_072


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows; ``first_row`` counts from 1 after the header; ``flaws`` by row number."""

    first_row: int
    rows: pa.RecordBatch
    flaws: Mapping[int, str] = field(default_factory=dict)


def read(
    path: Path, columns: Sequence[str], optional: Collection[str] = (), shape: files.FileShape | None = None
) -> Iterator[Batch]:
    """Yield the named columns of ``path``. Raises ``UnreadableFile`` and ``MissingColumns``."""
    shape = shape or files.shape_of(path)
    if shape.format == "parquet":
        return _read_parquet(path, columns, optional)
    return _read_text(path, columns, optional, shape)


def raw_rows(
    path: Path, columns: Sequence[str], numbers: Collection[int], shape: files.FileShape | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(row number, row as read)`` of the rows in ``numbers``; a second, sparse pass over the file."""
    wanted = sorted(numbers)
    position = 0
    for batch in read(path, columns, optional=columns, shape=shape):
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


def _read_text(
    path: Path, columns: Sequence[str], optional: Collection[str], shape: files.FileShape
) -> Iterator[Batch]:
    names = _check_columns(shape.header, columns, optional)
    indices = [shape.header.index(name) for name in names]
    for block in files.read(path, shape):
        arrays = [pa.array([row[index] for row in block.cells], pa.string()) for index in indices]
        rows = pa.RecordBatch.from_arrays(arrays, names=names)
        yield Batch(block.first_row, rows, block.flaws)

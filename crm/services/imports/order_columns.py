"""The rows of an order file as CSV blocks in the columns of the staging table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from crm.domain.mappings import OrderMapping
from crm.services.imports import columns, files, sources

STAGED_COLUMNS = (
    "row_number",
    "order_ref",
    "customer_ref",
    "sku",
    "label",
    "channel",
    "quantity",
    "unit_price_minor",
    "gross_minor",
    "store_discount_minor",
    "coupon_discount_minor",
    "placed_local",
    "placed_offset",
    "problem",
)
_UNQUOTED = csv.WriteOptions(include_header=False)


def blocks(
    path: Path, mapping: OrderMapping, exponent: int, shape: files.FileShape | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield ``(rows read so far, CSV block)``."""
    completion = Completion(mapping)
    for batch in sources.read(path, mapping.columns, mapping.optional, shape):
        sink = pa.BufferOutputStream()
        csv.write_csv(_staged(batch, mapping, exponent, completion), sink, _UNQUOTED)
        yield batch.first_row + batch.rows.num_rows - 1, sink.getvalue().to_pybytes()


class Completion:
    """What stands in for blank cells, as the plan says; a value is carried on from batch to batch."""

    def __init__(self, mapping: OrderMapping) -> None:
        self.missing = mapping.missing
        self.previous: dict[str, Any] = {}

    def __call__(self, name: str, values: pa.Array, problems: columns.ProblemColumn) -> pa.Array:
        policy, fill = self.missing.get(name, ("keep", ""))
        if policy == "drop":
            problems.mark(pc.is_null(values), "value_missing")
        if policy == "fill":
            return pc.coalesce(pc.cast(values, pa.string()), pa.scalar(fill))
        if policy == "previous" and len(values):
            carried = pa.array([self.previous.get(name)], values.type)
            values = pc.fill_null_forward(pa.concat_arrays([carried, values]))[1:]
            self.previous[name] = values[-1].as_py()
        return values


def _staged(
    batch: sources.Batch, mapping: OrderMapping, exponent: int, completion: Completion
) -> pa.RecordBatch:
    source, length, rules = batch.rows, batch.rows.num_rows, mapping.rules
    problems = columns.ProblemColumn(length)
    for number, flaw in batch.flaws.items():
        problems.mark_positions([number - batch.first_row], flaw)

    def column(name: str | None) -> pa.Array:
        if name is None or name not in source.schema.names:
            return pa.nulls(length, pa.string())
        return completion(name, source.column(name), problems)

    def amount(names: tuple[str, ...]) -> pa.Array:
        parts = [columns.minor_units(column(name), exponent, problems, rules.get(name)) for name in names]
        return reduce(pc.add, parts) if parts else pa.nulls(length, pa.int64())

    def discount(names: tuple[str, ...]) -> pa.Array:
        present = tuple(name for name in names if name in source.schema.names)
        return pc.fill_null(amount(present), 0)

    placed_local, placed_offset = columns.local_times(
        column(mapping.placed_at), problems, rules.get(mapping.placed_at)
    )
    sku = columns.text(column(mapping.sku))
    arrays = [
        pa.array(range(batch.first_row, batch.first_row + length), pa.int64()),
        columns.text(column(mapping.order)),
        columns.text(column(mapping.customer)),
        pc.utf8_upper(sku) if mapping.folds_sku_case else sku,
        columns.text(column(mapping.label)),
        columns.text(column(mapping.channel)),
        columns.quantities(column(mapping.quantity), problems, rules.get(mapping.quantity)),
        amount((mapping.unit_price,) if mapping.unit_price else ()),
        amount(mapping.gross),
        discount(mapping.store_discount),
        discount(mapping.coupon_discount),
        placed_local,
        placed_offset,
    ]
    return pa.RecordBatch.from_arrays([*arrays, problems.array()], names=list(STAGED_COLUMNS))

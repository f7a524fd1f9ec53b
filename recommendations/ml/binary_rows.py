"""Rows of PostgreSQL's binary COPY format as arrays, without an object per value."""

from __future__ import annotations

import numpy as np

from recommendations.ml.arrays import Integers

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER_BYTES = len(SIGNATURE) + 8
TRAILER = b"\xff\xff"


def decode(data: bytes, widths: dict[str, int]) -> dict[str, Integers]:
    """Integer columns from a binary COPY stream; `widths` gives each column's bytes (2, 4 or 8), none null.

    Raises ValueError when the stream holds anything else, such as a null or another width.
    """
    if not data.startswith(SIGNATURE) or not data.endswith(TRAILER):
        raise ValueError("not a complete binary COPY stream")
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, width in widths.items():
        fields += [(f"{name} width", ">i4"), (name, f">i{width}")]
    layout = np.dtype(fields)
    body = memoryview(data)[HEADER_BYTES : -len(TRAILER)]
    if len(body) % layout.itemsize:
        raise ValueError("rows have nulls or other widths than declared")
    rows = np.frombuffer(body, dtype=layout)
    if not np.all(rows["fields"] == len(widths)):
        raise ValueError("rows have another number of columns than declared")
    for name, width in widths.items():
        if not np.all(rows[f"{name} width"] == width):
            raise ValueError(f"column {name} has nulls or another width than {width} bytes")
    return {name: rows[name].astype(np.int64) for name in widths}

"""Rows that the database packed into bytes, as arrays."""

from __future__ import annotations

import numpy as np

from recommendations.ml.arrays import Integers


def unpack(data: bytes, widths: dict[str, int]) -> dict[str, Integers]:
    """Columns of big-endian integers of `widths` bytes (2, 4 or 8) each, laid row after row.

    Raises ValueError when `data` is not a whole number of rows.
    """
    layout = np.dtype([(name, f">i{width}") for name, width in widths.items()])
    if len(data) % layout.itemsize:
        raise ValueError(f"{len(data)} bytes are not whole rows of {layout.itemsize}")
    rows = np.frombuffer(data, dtype=layout)
    return {name: rows[name].astype(np.int64) for name in widths}

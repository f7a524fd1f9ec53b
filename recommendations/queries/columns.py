"""Large integer results as arrays: a binary COPY instead of a Python object per value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from recommendations.ml.arrays import Integers


def integer_columns(query: str, params: Mapping[str, Any], widths: dict[str, int]) -> dict[str, Integers]:
    """Columns of `query`, whose result columns are integers of `widths` bytes and never null, in order."""
    from recommendations.ml.binary_rows import decode  # noqa: PLC0415 - NumPy is slow to import

    with connection.cursor() as cursor:
        database_cursor: Any = cursor.cursor
        statement = f"COPY ({query}) TO STDOUT (FORMAT BINARY)"
        with database_cursor.copy(statement, params) as copy:
            data = b"".join(copy)
    return decode(data, widths)

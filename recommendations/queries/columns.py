"""Large integer results as arrays: the database packs rows into bytes, no row becomes a Python object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from recommendations.ml.arrays import Integers

# A packed value may hold 1 GB: groups keep each far below, and few enough to be read at once.
GROUPS = 64


def integer_columns(query: str, params: Mapping[str, Any], widths: dict[str, int]) -> dict[str, Integers]:
    """The integer columns of `query`, named as in `widths` (bytes: 2, 4 or 8), in no particular order.

    Three times faster than COPY of the same rows. Raises ValueError when a value is null.
    """
    from recommendations.ml.packed_rows import unpack  # noqa: PLC0415 - NumPy is slow to import

    packed = " || ".join(f"int{width}send({name})" for name, width in widths.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), string_agg({packed}, ''::bytea) FROM ({query}) AS rows "  # noqa: S608 - our names
            f"GROUP BY mod({next(iter(widths))}::int8, {GROUPS})",
            params,
        )
        groups = cursor.fetchall()
    found = unpack(b"".join(bytes(data) for _count, data in groups if data is not None), widths)
    expected = sum(count for count, _data in groups)
    # A null makes the whole packed row null, and string_agg leaves it out without a word.
    if any(len(values) != expected for values in found.values()):
        raise ValueError(f"{expected} rows hold nulls in {', '.join(widths)}")
    return found

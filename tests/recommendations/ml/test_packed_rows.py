from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ml.packed_rows import unpack

ROWS = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(-(2**15), 2**15 - 1)
    )
)


@given(ROWS)
def test_packed_rows_come_back(rows: list[tuple[int, int, int]]) -> None:
    found = unpack(b"".join(struct.pack(">qih", *row) for row in rows), {"a": 8, "b": 4, "c": 2})
    assert list(zip(*(found[name].tolist() for name in "abc"), strict=True)) == rows


def test_half_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="13 bytes are not whole rows of 12"):
        unpack(bytes(13), {"a": 8, "b": 4})

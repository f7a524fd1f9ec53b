from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crm.domain.copy_text import copy_text

_cell = st.text(alphabet=st.sampled_from("ab\\\t\n\rN☃\u2028"), max_size=6)


def read(text: str) -> list[tuple[str, ...]]:
    """Read the format back, as PostgreSQL documents it."""
    names = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    rows = []
    for line in text.removesuffix("\n").split("\n"):
        cells = []
        for cell in line.split("\t"):
            rest = iter(cell)
            cells.append("".join(names[next(rest)] if each == "\\" else each for each in rest))
        rows.append(tuple(cells))
    return rows


@given(st.lists(st.tuples(_cell, _cell, _cell), min_size=1, max_size=5))
def test_every_row_comes_back(rows):
    assert read(copy_text(rows)) == rows


def test_plain_rows_are_just_joined():
    assert copy_text([("a", "b"), ("c", "d")]) == "a\tb\nc\td\n"


def test_a_separator_in_a_cell_is_told_from_one_between():
    assert copy_text([("a\tb",), ("c",)]) == "a\\tb\nc\n"

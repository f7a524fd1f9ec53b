"""Rows in the text format of PostgreSQL's COPY, as one text: a row at a time costs more than the rest."""

from __future__ import annotations

from collections.abc import Collection

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_text(rows: Collection[tuple[str, ...]]) -> str:
    """Return the rows joined; all have as many cells, none is NULL and none holds U+0000."""
    text = "\n".join(map("\t".join, rows)) + "\n"
    if _is_plain(text, rows):
        return text
    return "".join("\t".join(cell.translate(_ESCAPES) for cell in row) + "\n" for row in rows)


def _is_plain(text: str, rows: Collection[tuple[str, ...]]) -> bool:
    """Whether no cell holds a character with a meaning: every separator in the text is one of ours."""
    width = len(next(iter(rows), ()))
    return (
        "\\" not in text
        and "\r" not in text
        and text.count("\n") == len(rows)
        and text.count("\t") == len(rows) * (width - 1)
    )

"""Cells that a spreadsheet program would run as formulas, made harmless."""

from __future__ import annotations

import re
from typing import Final

# OWASP's list: a cell that begins with one of these may be taken for a formula.
_RISKY: Final = frozenset("=+-@\t\r\n")
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[\d][\d .,()/-]*")


def neutral(text: str) -> str:
    """Return ``text`` so that it is shown and not run; numbers and telephone numbers stay as they are."""
    if text[:1] not in _RISKY or _PLAIN_NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def as_it_was(text: str) -> str:
    """Return what ``neutral`` made harmless."""
    return text[1:] if text[:1] == "'" and text[1:2] in _RISKY else text

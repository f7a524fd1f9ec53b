"""Values of conditions and traits as people type them: numbers, yes and no, texts, and lists with commas.

A text that would be read as something else stands in double quotes: "10001", "true", "Fruit, vegetables".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"\s*(?:,\s*|\Z)')
# 007 is a text, and so are Infinity, 1_000 and 1e5.
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def read(text: str) -> Any:
    """Read what a tenant's own fact is compared with: a number, yes or no, else text."""
    quoted = _QUOTED.fullmatch(text.strip())
    return _unquoted(quoted) if quoted else _guessed(text.strip())


def read_text(text: str) -> str:
    """Read what is a text anyway."""
    quoted = _QUOTED.fullmatch(text.strip())
    return _unquoted(quoted) if quoted else text.strip()


def read_list(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a list between commas, each with whether it was quoted."""
    found, rest = [], text.strip()
    while rest:
        if quoted := _QUOTED.match(rest):
            found.append((_unquoted(quoted), True))
            rest = rest[quoted.end() :]
            continue
        part, _comma, rest = rest.partition(",")
        found += [(part.strip(), False)] if part.strip() else []
        rest = rest.lstrip()
    return found


def read_values(text: str) -> list[Any]:
    """Read a list of values of a tenant's own fact."""
    return [part if is_quoted else _guessed(part) for part, is_quoted in read_list(text)]


def read_texts(text: str) -> list[str]:
    """Read a list of texts."""
    return [part for part, _is_quoted in read_list(text)]


def write(value: Any, *, is_listed: bool = False) -> str:
    """Write a value so that ``read`` finds the same one, or ``read_values`` in a list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return format(Decimal(str(value)), "f")
    return write_text(value, is_listed=is_listed) if _guessed(value) == value else _quote(value)


def write_text(text: str, *, is_listed: bool = False) -> str:
    """Write what is a text anyway."""
    is_plain = text == text.strip() and not text.startswith('"')
    is_plain = is_plain and not (is_listed and ("," in text or not text))
    return text if is_plain else _quote(text)


def write_texts(texts: Iterable[str]) -> str:
    """Write a list of texts."""
    return ", ".join(write_text(each, is_listed=True) for each in texts)


def _guessed(text: str) -> Any:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if not _NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _quote(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _unquoted(found: re.Match[str]) -> str:
    return found[1].replace('""', '"')

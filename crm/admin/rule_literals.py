"""How values and names of rules are typed: plain where that says it, else in double quotes or after “=”.

Plain ``10`` is a number where numbers are expected; ``"10"`` is the text and ``=10`` the number anywhere.
Quotes also keep what plain typing loses: commas inside a list, spaces at the ends, line breaks.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Final

from crm.domain.rule_parsing import LARGEST_NUMBER
from crm.domain.rules import Scalar

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_SEPARATOR: Final = re.compile("[,，]")
_DECODER: Final = json.JSONDecoder()
_SMALLEST_WRITTEN_OUT: Final = -12


def number(text: str, places: int = 0) -> int | float:
    """Return a number typed in a unit of ``10 ** places`` stored units. Raises ``ValueError``."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    typed = Decimal(text)
    if typed.adjusted() > len(str(LARGEST_NUMBER)):
        raise ValueError(text)
    found = typed.scaleb(places)
    return int(found) if found == found.to_integral_value() else float(found)


def whole(text: str, places: int = 0) -> int:
    """Return a whole number of stored units. Raises ``ValueError`` for a broken one."""
    found = number(text, places)
    if not isinstance(found, int):
        raise ValueError(text)  # noqa: TRY004 - the text is wrong, not the caller
    return found


def number_text(value: float, places: int = 0) -> str:
    """Write a number the way it is typed."""
    typed = Decimal(repr(value)).scaleb(-places).normalize()
    return str(typed) if typed.adjusted() < _SMALLEST_WRITTEN_OUT else f"{typed:f}"


def quoted(text: str) -> str | None:
    """Return the text inside double quotes, or None where the whole is not that."""
    if not text.startswith('"'):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


def literal(text: str) -> Scalar | None:
    """Return a text in double quotes, or a number, true or false after an equals sign; else None."""
    if not text.startswith("="):
        return quoted(text)
    try:
        found = json.loads(text[1:])
    except ValueError:
        return None
    return found if isinstance(found, str | int | float) else None


def written(value: Scalar) -> str:
    """Write a value so that it is read back as it is, whatever stands around it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if isinstance(value, str) else f"={text}"


def is_plain(text: str) -> bool:
    """Tell whether an input keeps the text: spaces at the ends and control characters get lost."""
    return bool(text) and text == text.strip() and text.isprintable()


def name(text: str) -> str:
    """Return a typed name. Raises ``ValueError`` where there is none."""
    stripped = text.strip()
    found = quoted(stripped)
    if not (found or stripped):
        raise ValueError(text)
    return found or stripped


def name_text(name: str) -> str:
    """Write a name so that it is read back as it is."""
    return name if is_plain(name) and quoted(name) is None else written(name)


def split(text: str) -> list[str]:
    """Return the parts between commas, as typed; quotes keep theirs together."""
    parts, at = [], 0
    while at < len(text):
        end = _end_of_part(text, at)
        parts.append(text[at:end].strip())
        at = end + 1
    return [part for part in parts if part]


def _end_of_part(text: str, at: int) -> int:
    start = len(text) - len(text[at:].lstrip())
    if text.startswith('"', start):
        try:
            _value, end = _DECODER.raw_decode(text, start)
        except ValueError:
            end = start
        end = len(text) - len(text[end:].lstrip())
        if end > start and (end == len(text) or _SEPARATOR.match(text, end)):
            return end
    found = _SEPARATOR.search(text, at)
    return found.start() if found else len(text)


def is_one_part(text: str) -> bool:
    """Tell whether a plain text stays one part of a list."""
    return not text.startswith('"') and not _SEPARATOR.search(text)

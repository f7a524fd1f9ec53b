"""Keys of JSON objects: one that is there twice is a mistake of which most readers keep the last half."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


class RepeatedKey(json.JSONDecodeError):
    """An object has one key twice; ``pointer`` is where, such as ``/rules/0/points``."""

    def __init__(self, pointer: str, text: str = "") -> None:
        super().__init__(f"the key at {pointer} is there twice", text, 0)
        self.pointer = pointer


class _Found(Exception):
    pass


class _Members(list[tuple[str, Any]]):
    """An object as it is written, with all of its members."""


def refuse_repeated(text: str | bytes) -> None:
    """Raise ``RepeatedKey`` for the first one in a text that is JSON."""
    try:
        # Numbers stay texts: what they are is read elsewhere.
        json.loads(text, object_pairs_hook=_check, parse_int=str, parse_float=str, parse_constant=str)
    except _Found:
        written = json.loads(
            text, object_pairs_hook=_Members, parse_int=str, parse_float=str, parse_constant=str
        )
        raise RepeatedKey(_first(written, "") or "/") from None


def _check(pairs: Sequence[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _value in pairs}) < len(pairs):
        raise _Found


def _first(value: Any, pointer: str) -> str:
    if isinstance(value, _Members):
        seen: set[str] = set()
        for name, part in value:
            place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in seen:
                return place
            seen.add(name)
            if found := _first(part, place):
                return found
        return ""
    if not isinstance(value, list):
        return ""
    return next(filter(None, (_first(part, f"{pointer}/{index}") for index, part in enumerate(value))), "")

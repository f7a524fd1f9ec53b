"""A reader of JSON objects that collects errors by JSON pointer instead of stopping at the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, overload

import msgspec

_V = TypeVar("_V")
KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,59}")
# Offers may have been made before there was a program: their keys are what addresses take.
SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LONGEST_TEXT: Final = 200
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_REQUIRED: Final = object()


@dataclass(frozen=True, slots=True)
class DocumentError:
    """One wrong value; ``code`` is stable, ``detail`` is for people."""

    pointer: str
    code: str
    detail: str


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def unstorable(document: Any) -> list[DocumentError]:
    """Return an error for every text that no database keeps: with NUL, or with half of a character."""
    return [] if _is_storable(document) else list(_unstorable(document))


def _is_storable(document: Any) -> bool:
    """Whether nothing has to be looked for, in one pass: documents of a megabyte are read on every save."""
    try:
        return b"\\u0000" not in msgspec.json.encode(document)
    except (TypeError, ValueError, OverflowError):
        return False


def _unstorable(node: Any, pointer: str = "") -> Iterator[DocumentError]:
    if isinstance(node, str) and _UNSTORABLE.search(node):
        yield DocumentError(pointer, "invalid_text", "A text cannot hold NUL or half of a character.")
    elif isinstance(node, Mapping):
        for name, value in node.items():
            yield from _unstorable(str(name), pointer)
            yield from _unstorable(value, f"{pointer}/{_escape(str(name))}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _unstorable(value, f"{pointer}/{index}")


class Reader:
    """Reads typed members of one object. A wrong member is reported and replaced by a harmless value."""

    def __init__(self, node: Any, pointer: str = "", errors: list[DocumentError] | None = None) -> None:
        self.errors: list[DocumentError] = [] if errors is None else errors
        self._pointer = pointer
        if not isinstance(node, Mapping):
            self.errors.append(DocumentError(pointer, "not_an_object", "An object is expected."))
            node = {}
        self._node: Mapping[str, Any] = node

    def refuse(self, name: str, code: str, detail: str) -> None:
        """Report that member ``name`` is wrong."""
        self.errors.append(DocumentError(f"{self._pointer}/{name}", code, detail))

    def only(self, *names: str) -> None:
        """Report every member that is not among ``names``."""
        for name in self._node:
            if name not in names:
                self.refuse(_escape(str(name)), "unknown_field", "There is no such field.")

    @property
    def names(self) -> list[str]:
        return [str(name) for name in self._node]

    def has(self, name: str) -> bool:
        return name in self._node

    def peek(self, name: str) -> Any:
        return self._node.get(name)

    def text(self, name: str) -> str:
        value = self._node.get(name)
        if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST_TEXT:
            return value
        self.refuse(name, "invalid_text", f"A text of 1 to {_LONGEST_TEXT} characters is expected.")
        return ""

    def optional_text(self, name: str, longest: int) -> str:
        value = self._node.get(name, "")
        if isinstance(value, str) and len(value) <= longest:
            return value
        self.refuse(name, "invalid_text", f"A text of up to {longest} characters is expected.")
        return ""

    def key(self, name: str) -> str:
        value = self._node.get(name)
        if isinstance(value, str) and KEY.fullmatch(value):
            return value
        self.refuse(
            name, "invalid_key", "A key is lower-case letters, digits, - and _, from a letter, up to 60."
        )
        return ""

    def slug(self, name: str) -> str:
        value = self._node.get(name)
        if isinstance(value, str) and SLUG.fullmatch(value):
            return value
        self.refuse(name, "invalid_key", "Letters, digits, - and _, up to 60.")
        return ""

    def boolean(self, name: str) -> bool:
        value = self._node.get(name, False)
        if isinstance(value, bool):
            return value
        self.refuse(name, "invalid_boolean", "true or false is expected.")
        return False

    def integer(self, name: str, lowest: int, highest: int, *, default: int | None = None) -> int:
        value = self._node.get(name, default)
        return self._checked(name, value, lowest, highest)

    def optional_integer(self, name: str, lowest: int, highest: int) -> int | None:
        value = self._node.get(name)
        return None if value is None else self._checked(name, value, lowest, highest)

    def _checked(self, name: str, value: Any, lowest: int, highest: int) -> int:
        # bool is an int in Python; true is no number of points.
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.refuse(name, "invalid_integer", f"A whole number from {lowest} to {highest} is expected.")
        return lowest

    @overload
    def choice(self, name: str, choices: Mapping[Any, _V]) -> _V | None: ...
    @overload
    def choice(self, name: str, choices: Mapping[Any, _V], *, default: _V) -> _V: ...
    def choice(self, name: str, choices: Mapping[Any, _V], *, default: Any = _REQUIRED) -> Any:
        if name not in self._node and default is not _REQUIRED:
            return default
        value = self._node.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value in choices:
            return choices[value]
        self.refuse(name, "invalid_choice", f"One of {', '.join(map(str, choices))} is expected.")
        return None if default is _REQUIRED else default

    def node(self, name: str) -> Reader:
        return Reader(self._node.get(name, {}), f"{self._pointer}/{name}", self.errors)

    def nodes(self, name: str, *, at_least: int = 0) -> list[Reader]:
        values = self._list(name)
        if len(values) < at_least:
            self.refuse(name, "too_few", f"At least {at_least} is needed.")
        return [
            Reader(value, f"{self._pointer}/{name}/{index}", self.errors)
            for index, value in enumerate(values)
        ]

    def texts(self, name: str) -> list[str]:
        values = self._list(name)
        if all(values) and set(map(type, values)) <= {str}:
            return list(values)
        return [value for index, value in enumerate(values) if self._is_text(f"{name}/{index}", value)]

    def _is_text(self, name: str, value: Any) -> bool:
        if isinstance(value, str) and value:
            return True
        self.refuse(name, "invalid_text", "A text is expected.")
        return False

    def numbers(self, name: str, lowest: int, highest: int) -> list[int]:
        return [
            self._checked(f"{name}/{index}", value, lowest, highest)
            for index, value in enumerate(self._list(name))
        ]

    def integers(self, name: str, lowest: int, highest: int) -> dict[str, int]:
        node = self._node.get(name, {})
        if not isinstance(node, Mapping):
            self.refuse(name, "not_an_object", "An object is expected.")
            return {}
        return {
            str(key): self._checked(f"{name}/{_escape(str(key))}", value, lowest, highest)
            for key, value in node.items()
        }

    def _list(self, name: str) -> list[Any]:
        value = self._node.get(name, [])
        if isinstance(value, list):
            return value
        self.refuse(name, "not_a_list", "A list is expected.")
        return []

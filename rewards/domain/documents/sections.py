"""What a section of the program document is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from rewards.domain.documents.reader import Reader
from rewards.domain.programs import Revision

_N = TypeVar("_N")
MOST_POINTS: Final = 1_000_000_000
MOST_MONEY: Final = 10**15


def _no_check(_document: Reader, _revision: Revision) -> None:
    return None


def _as_written(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Section:
    """One member of the document and the field of ``Revision`` with the same name.

    ``read`` takes the reader of the whole document and reports every wrong member through it; ``check`` looks
    at references to other sections, after all of them were read and with lists still in the order of the
    document; ``arrange`` then puts the value in the order the engine wants. ``write`` is the inverse of
    ``read``; ``None`` leaves the member out. ``schema`` is the JSON Schema of the member.
    """

    name: str
    read: Callable[[Reader], Any]
    write: Callable[[Any], Any]
    schema: Mapping[str, Any]
    check: Callable[[Reader, Revision], None] = _no_check
    arrange: Callable[[Any], Any] = _as_written


def keyed(document: Reader, name: str, read: Callable[[Reader], _N], *, at_least: int = 0) -> tuple[_N, ...]:
    """Read a list of objects that have a unique ``key``."""
    nodes = document.nodes(name, at_least=at_least)
    keys: set[str] = set()
    for node in nodes:
        key = node.peek("key")
        if isinstance(key, str) and key in keys:
            node.refuse("key", "duplicate", f"The key {key!r} is used twice.")
        keys.add(str(key))
    return tuple(read(node) for node in nodes)


KEY_SCHEMA: Final = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,59}$"}
SLUG_SCHEMA: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,60}$"}
TEXT_SCHEMA: Final = {"type": "string", "minLength": 1, "maxLength": 200}


def whole(lowest: int, highest: int, *, is_optional: bool = False) -> dict[str, Any]:
    """Return the schema of a whole number."""
    kinds: Any = ["integer", "null"] if is_optional else "integer"
    return {"type": kinds, "minimum": lowest, "maximum": highest}


def one_of(choices: type[Any]) -> dict[str, Any]:
    """Return the schema of one value of an enumeration."""
    return {"enum": [item.value for item in choices]}


def record(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    """Return the schema of an object without further members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }

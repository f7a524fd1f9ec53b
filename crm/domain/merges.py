"""Which value of two customers stays, and what undoing gives back; values are plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ABSORBED: Final = "absorbed"
Values = Mapping[str, Any]


def resolve(survivor: Values, absorbed: Values, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return each field's value after a merge: the survivor's, unless it is blank or the other was chosen."""
    names = [*survivor, *(name for name in absorbed if name not in survivor)]
    return {name: _pick(name, survivor, absorbed, chosen) for name in names}


def _pick(name: str, survivor: Values, absorbed: Values, chosen: Mapping[str, str]) -> Any:
    if name not in survivor:
        return absorbed[name]
    mine, theirs = survivor[name], absorbed.get(name)
    is_taken = chosen.get(name) == ABSORBED or is_blank(mine)
    return theirs if is_taken and not is_blank(theirs) else mine


def restore(current: Values, before: Values, after: Values) -> dict[str, Any]:
    """Return each field as it was before a merge, save what somebody has changed since.

    A field that is absent in ``before`` and unchanged is left out.
    """
    restored: dict[str, Any] = {}
    for name in [*current, *(name for name in before if name not in current)]:
        if current.get(name) != after.get(name):
            if name in current:
                restored[name] = current[name]
        elif name in before:
            restored[name] = before[name]
    return restored


def is_blank(value: Any) -> bool:
    return value is None or value == ""


def earliest(*moments: str | None) -> str | None:
    """Return the first of ISO moments in UTC, ignoring those that are unknown."""
    return min((each for each in moments if each), default=None)


def latest(*moments: str | None) -> str | None:
    """Return the last of ISO moments in UTC, ignoring those that are unknown."""
    return max((each for each in moments if each), default=None)

"""Saving a form changes what was changed in it: what it shows with less precision than there is stays.

A form may round a moment to the second, show one of two gifts, or say a default outright. So what it makes of
its own initial values is compared with what it makes of those that were sent; only differences are written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

from django import forms

from tenants.admin.pickers import MORE, FinderOfSeveral

# By what entries of a list are told apart, where it tells them apart.
_NAMES: Final = ("key", "at", "kind", "type")
# Trees of conditions are one value: half of one and half of another is neither.
_WHOLE: Final = frozenset({"when", "lines", "where", "rule"})
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def sent(*parts: Any) -> dict[str, Any]:
    """Return what a browser sends back of unbound forms and formsets that nobody touched."""
    data: dict[str, Any] = {}
    for part in parts:
        of_part = [part.management_form, *part.forms] if isinstance(part, forms.BaseFormSet) else [part]
        for bound in chain.from_iterable(of_part):
            if not bound.field.disabled:
                data |= _sent(bound)
    return data


def _sent(bound: Any) -> dict[str, Any]:
    name, widget, value = bound.html_name, bound.field.widget, bound.value()
    if isinstance(widget, forms.CheckboxInput):
        return {name: "on"} if widget.check_test(value) else {}
    if isinstance(widget, FinderOfSeveral):
        chosen = [str(each) for each in value or ()]
        known = widget.source.named(chosen)
        gone = next((each for each in chosen if each not in known), "")
        return {name: [each for each in chosen if each in known], f"{name}{MORE}": gone}
    if isinstance(widget, forms.Select | forms.RadioSelect | forms.CheckboxSelectMultiple):
        offered = [str(key) for key, _label in bound.field.choices]
        if widget.allow_multiple_selected:
            wanted = [str(each) for each in value or ()]
            return {name: [key for key in offered if key in wanted]}
        one = "" if value is None else str(value)
        return {name: one if one in offered else next(iter(offered), "")}
    text = widget.format_value(value)
    if text is None:
        return {name: ""}
    return {name: _LINE_END.sub("\r\n" if isinstance(widget, forms.Textarea) else "", str(text))}


def kept(former: Any, shown: Any, written: Any) -> Any:
    """Return ``written`` where it is not ``shown``, which the untouched form says, and else ``former``."""
    if written == shown:
        return former
    if all(isinstance(each, Mapping) for each in (former, shown, written)):
        return {
            name: _member(name, former[name], shown[name], value)
            if name in former and name in shown
            else value
            for name, value in written.items()
        }
    if name := _name_of([former, shown, written]):
        return _entries(name, former, shown, written)
    return written


def _member(name: str, former: Any, shown: Any, written: Any) -> Any:
    if name in _WHOLE:
        return former if written == shown else written
    return kept(former, shown, written)


def _entries(
    name: str, former: Sequence[Any], shown: Sequence[Any], written: Sequence[Any]
) -> list[dict[str, Any]]:
    was, seen = ({each[name]: each for each in side} for side in (former, shown))
    found = [
        kept(was[each[name]], seen[each[name]], each) if each[name] in was and each[name] in seen else each
        for each in written
    ]
    present = {each[name] for each in written}
    return found + [each for each in former if each[name] not in seen and each[name] not in present]


def _name_of(sides: Sequence[Any]) -> str:
    """Return by what the entries of lists are told apart, empty where nothing does."""
    if not all(isinstance(side, list) for side in sides):
        return ""
    if not all(isinstance(each, dict) for side in sides for each in side):
        return ""
    return next((name for name in _NAMES if all(_tells_apart(name, side) for side in sides)), "")


def _tells_apart(name: str, entries: Sequence[Mapping[str, Any]]) -> bool:
    found = [each.get(name) for each in entries]
    return all(isinstance(each, str | int) for each in found) and len(set(found)) == len(found)

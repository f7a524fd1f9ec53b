"""From a whole draft to the rule that it says; `segment_drawing` goes the other way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext as _

from crm.admin import rule_literals
from crm.admin.segment_drafts import (
    BOUGHT,
    EVENT,
    RANDOM,
    SEGMENT,
    SEQUENCE,
    THEN_WHERE,
    WHERE,
    Draft,
)
from crm.admin.segment_forms import Subjects
from crm.domain.rules import Op, Source

_WITHOUT_VALUE: Final = frozenset({Op.EXISTS.value, Op.MISSING.value})
MONEY: Final = "spent_minor"


class Unfinished(ValueError):
    """The draft does not say a rule yet; the reasons stand at its nodes."""


class _Unfit(ValueError):
    """A field holds what cannot be meant; the text says why."""


def rule_of(root: Draft, subjects: Subjects) -> dict[str, Any]:
    """Return the rule that the draft says. Raises ``Unfinished`` and leaves the reasons at the nodes."""
    rule = _node(root, subjects)
    if rule is None or any(node.errors for node in root.walk()):
        raise Unfinished
    return rule


def _node(draft: Draft, subjects: Subjects) -> dict[str, Any] | None:
    if not draft.is_group:
        return _leaf(draft, subjects)
    rules = [rule for child in draft.children if (rule := _node(child, subjects)) is not None]
    if not rules:
        draft.errors.append(_("Give at least one condition."))
        return None
    return _matched(draft, rules)


def _matched(draft: Draft, rules: list[dict[str, Any]]) -> dict[str, Any]:
    match = draft.fields.get("match", "all")
    is_bare = bool(draft.fields.get("bare")) and len(rules) == 1
    inner = rules[0] if is_bare else {"any" if match in {"any", "none"} else "all": rules}
    return {"not": inner} if match in {"none", "not_all"} else inner


def _leaf(draft: Draft, subjects: Subjects) -> dict[str, Any] | None:
    if not draft.what:
        draft.errors.append(_("Choose what the condition is about."))
        return None
    read: dict[str, Callable[[Draft, Subjects], dict[str, Any]]] = {
        EVENT: _event,
        SEQUENCE: _sequence,
        BOUGHT: _bought,
        SEGMENT: lambda node, _subjects: {"in_segment": _name(node, "segment")},
        RANDOM: _random,
    }
    try:
        rule = read.get(draft.kind, _comparison)(draft, subjects)
    except _Unfit as error:
        draft.errors.append(str(error))
        return None
    except (InvalidOperation, ValueError, OverflowError):
        draft.errors.append(_("Give a value that fits."))
        return None
    return {"not": rule} if draft.fields.get("negated") else rule


def _name(draft: Draft, of: str) -> str:
    return rule_literals.name(draft.fields.get(of, ""))


def _comparison(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    kind, _colon, name = draft.what.partition(":")
    name = rule_literals.name(name)
    op = draft.fields.get("op") or Op.EQ.value
    return {kind: name, "op": op, **_value(subjects, Source(kind), name, op, draft.fields.get("value", ""))}


def _value(subjects: Subjects, source: Source, name: str, op: str, text: str) -> dict[str, Any]:
    return {} if op in _WITHOUT_VALUE else {"value": subjects.values.read(source, name, op, text)}


def _window(draft: Draft) -> dict[str, Any]:
    how = draft.fields.get("window", "")
    if how == "days":
        return {"days": rule_literals.whole(draft.fields.get("days", "").strip())}
    if how != "dates":
        return {}
    typed = {name: draft.fields.get(name, "").strip() for name in ("from", "to")}
    days = {name: date.fromisoformat(text) for name, text in typed.items() if text}
    if not days:
        raise _Unfit(_("Give the first day or the last day."))
    if len(days) > 1 and days["from"] > days["to"]:
        raise _Unfit(_("The last day comes before the first."))
    return {name: day.isoformat() for name, day in days.items()}


def _times(draft: Draft, places: int = 0) -> dict[str, Any]:
    how = draft.fields.get("times") or "at_least"
    if how == "never":
        return {"at_most": 0}
    typed = draft.fields.get("count", "").strip()
    if how == "at_least":
        return {"at_least": rule_literals.whole(typed or "1", places)}
    number = rule_literals.whole(typed, places)
    if how == "at_most":
        return {"at_most": number}
    most = number
    if how == "between":
        most = rule_literals.whole(draft.fields.get("most", "").strip(), places)
    if most < number:
        raise _Unfit(_("The second number is below the first."))
    return {"at_least": number, "at_most": most}


def _where(draft: Draft, subjects: Subjects, of: str) -> dict[str, Any]:
    tests = []
    for row in draft.tests[of]:
        if not row["property"].strip():
            if row["propvalue"].strip():
                raise _Unfit(_("Name the property that has this value."))
            continue
        name, op = rule_literals.name(row["property"]), row["propop"] or Op.EQ.value
        value = _value(subjects, Source.PROPERTY, name, op, row["propvalue"])
        tests.append({"property": name, "op": op, **value})
    return {"where": tests} if tests else {}


def _event(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    first = {"event": _name(draft, "event"), **_where(draft, subjects, WHERE)}
    return {**first, **_times(draft), **_window(draft)}


def _sequence(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    first = {"event": _name(draft, "event"), **_where(draft, subjects, WHERE)}
    then = {"event": _name(draft, "then"), **_where(draft, subjects, THEN_WHERE)}
    within = rule_literals.whole(draft.fields.get("within", "").strip())
    return {**first, "then": then, "within_days": within, **_window(draft)}


def _bought(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    measure = draft.fields.get("measure") or "orders"
    times = _times(draft, subjects.values.money_places if measure == MONEY else 0)
    of = draft.fields.get("of", "")
    return {"bought": measure, **({of: _name(draft, "of_name")} if of else {}), **times, **_window(draft)}


def _random(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    low, high = (float(draft.fields.get(name) or default) for name, default in (("low", 0), ("high", 10)))
    if low >= high:
        raise _Unfit(_("The second number is not above the first."))
    return {"random": _name(draft, "seed"), "from_percent": low, "to_percent": high}

"""From a whole draft to a rule and back again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext as _

from crm.admin.segment_drafts import BOUGHT, EVENT, GROUP, RANDOM, SEGMENT, SEQUENCE, Draft, renumbered
from crm.admin.segment_forms import Subjects
from crm.domain.rules import Op, Source
from tenants.admin.formats import exponent

_WITHOUT_VALUE: Final = frozenset({Op.EXISTS.value, Op.MISSING.value})
MONEY: Final = "spent_minor"


class Unfinished(ValueError):
    """The draft does not say a rule yet; the reasons stand at its nodes."""


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
    match = draft.fields.get("match", "all")
    if match == "none":
        return {"not": {"any": rules}}
    return {"any" if match == "any" else "all": rules}


def _leaf(draft: Draft, subjects: Subjects) -> dict[str, Any] | None:
    if not draft.what:
        draft.errors.append(_("Choose what the condition is about."))
        return None
    read: dict[str, Callable[[Draft, Subjects], dict[str, Any]]] = {
        EVENT: _event,
        SEQUENCE: _sequence,
        BOUGHT: _bought,
        SEGMENT: lambda node, _subjects: {"in_segment": _required(node, "segment")},
        RANDOM: _random,
    }
    try:
        rule = read.get(draft.kind, _comparison)(draft, subjects)
    except (InvalidOperation, ValueError, OverflowError):
        draft.errors.append(_("Give a value that fits."))
        return None
    return {"not": rule} if draft.fields.get("negated") else rule


def _required(draft: Draft, name: str) -> str:
    value = draft.fields.get(name, "").strip()
    if not value:
        raise ValueError(name)
    return value


def _comparison(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    kind, _colon, name = draft.what.partition(":")
    condition: dict[str, Any] = {kind: name, "op": draft.fields.get("op") or Op.EQ.value}
    if condition["op"] not in _WITHOUT_VALUE:
        parts = [part.strip() for part in _required(draft, "value").split(",") if part.strip()]
        found = [subjects.value(kind, name, part) for part in parts]
        condition["value"] = found if condition["op"] == Op.IN else found[0]
    return condition


def _window(draft: Draft) -> dict[str, Any]:
    days = draft.fields.get("days", "").strip()
    return {"days": int(days)} if days else {}


def _times(draft: Draft, amount: Callable[[str], int]) -> dict[str, Any]:
    how = draft.fields.get("times") or "at_least"
    if how == "never":
        return {"at_most": 0}
    return {how: amount(draft.fields.get("count", "").strip() or "1")}


def _where(draft: Draft) -> dict[str, Any]:
    tests = []
    for row in draft.where:
        if not row["property"].strip():
            continue
        test: dict[str, Any] = {"property": row["property"].strip(), "op": row["propop"] or Op.EQ.value}
        if test["op"] not in _WITHOUT_VALUE:
            test["value"] = _property_value(test["op"], row["propvalue"].strip())
        tests.append(test)
    return {"where": tests} if tests else {}


def _property_value(op: str, text: str) -> Any:
    if op == Op.IN:
        return [_property_value(Op.EQ, part.strip()) for part in text.split(",") if part.strip()]
    try:
        return float(Decimal(text)) if op != Op.CONTAINS else text
    except InvalidOperation:
        return {"true": True, "false": False}.get(text.lower(), text)


def _event(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    return {"event": _required(draft, "event"), **_where(draft), **_times(draft, int), **_window(draft)}


def _sequence(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    then = {"event": _required(draft, "then")}
    within = int(_required(draft, "within"))
    first = {"event": _required(draft, "event"), **_where(draft)}
    return {**first, "then": then, "within_days": within, **_window(draft)}


def _bought(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    measure = draft.fields.get("measure") or "orders"
    places = exponent(subjects.currency) if measure == MONEY else 0
    times = _times(draft, lambda text: int(Decimal(text).scaleb(places)))
    of, name = draft.fields.get("of", ""), draft.fields.get("of_name", "").strip()
    return {"bought": measure, **({of: name} if of and name else {}), **times, **_window(draft)}


def _random(draft: Draft, subjects: Subjects) -> dict[str, Any]:
    low, high = (float(draft.fields.get(name) or default) for name, default in (("low", 0), ("high", 10)))
    return {"random": _required(draft, "seed"), "from_percent": low, "to_percent": high}


def draft_of(rule: dict[str, Any], subjects: Subjects) -> Draft:
    """Return the draft that would say this rule."""
    root = _drawn(rule, subjects)
    if not root.is_group:
        root = Draft("0", {"kind": GROUP, "match": "all"}, [root])
    root.path = "0"
    return renumbered(root)


def _drawn(rule: dict[str, Any], subjects: Subjects) -> Draft:
    for match in ("all", "any"):
        if match in rule:
            return _group(match, rule[match], subjects)
    if "not" in rule:
        inner = rule["not"]
        if "any" in inner:
            return _group("none", inner["any"], subjects)
        if "all" in inner or "not" in inner:
            return _group("none", [inner], subjects)
        drawn = _drawn(inner, subjects)
        drawn.fields["negated"] = "on"
        return drawn
    return _drawn_leaf(rule, subjects)


def _group(match: str, rules: list[dict[str, Any]], subjects: Subjects) -> Draft:
    return Draft("", {"kind": GROUP, "match": match}, [_drawn(each, subjects) for each in rules])


def _drawn_leaf(rule: dict[str, Any], subjects: Subjects) -> Draft:
    fields: dict[str, Any] = {"days": rule.get("days", "")}
    if "at_most" in rule and "at_least" not in rule:
        fields |= {"times": "never" if rule["at_most"] == 0 else "at_most", "count": rule["at_most"]}
    elif "at_least" in rule:
        fields |= {"times": "at_least", "count": rule["at_least"]}
    if "event" in rule:
        fields |= {"what": SEQUENCE if "then" in rule else EVENT, "event": rule["event"]}
        fields |= {"then": rule.get("then", {}).get("event", ""), "within": rule.get("within_days", "")}
    elif "bought" in rule:
        of = next((each for each in ("category", "item", "brand") if each in rule), "")
        if rule["bought"] == MONEY:
            fields["count"] = Decimal(fields.get("count", 0)).scaleb(-exponent(subjects.currency))
        fields |= {"what": BOUGHT, "measure": rule["bought"], "of": of, "of_name": rule.get(of, "")}
    elif "in_segment" in rule:
        fields |= {"what": SEGMENT, "segment": rule["in_segment"]}
    elif "random" in rule:
        fields |= {"what": RANDOM, "seed": rule["random"]}
        fields |= {"low": rule.get("from_percent", 0), "high": rule["to_percent"]}
    else:
        fields |= _drawn_comparison(rule, subjects)
    where = [
        {"property": test["property"], "propop": test["op"], "propvalue": _typed(test.get("value"), str)}
        for test in rule.get("where", [])
    ]
    return Draft("", {name: str(value) for name, value in fields.items()}, where=where)


def _drawn_comparison(rule: dict[str, Any], subjects: Subjects) -> dict[str, Any]:
    source = next(each for each in Source if each in rule)
    name = rule[source]
    typed = _typed(rule.get("value"), lambda value: subjects.text(source, name, value))
    return {"what": f"{source}:{name}", "op": rule["op"], "value": typed}


def _typed(value: Any, write: Callable[[Any], str]) -> str:
    if value is None:
        return ""
    return ", ".join(write(each) for each in value) if isinstance(value, list) else write(value)

"""From a rule to the draft that says it; reading the draft gives the very same rule."""

from __future__ import annotations

from datetime import date
from typing import Any

from crm.admin import rule_literals
from crm.admin.segment_drafts import (
    BOUGHT,
    EVENT,
    GROUP,
    RANDOM,
    SEGMENT,
    SEQUENCE,
    THEN_WHERE,
    WHERE,
    Draft,
    renumbered,
)
from crm.admin.segment_forms import Subjects
from crm.admin.segment_reading import MONEY
from crm.domain.rules import PurchaseOf, Source

Fields = dict[str, str]


def draft_of(rule: dict[str, Any], subjects: Subjects) -> Draft:
    """Return the draft that would say this rule."""
    root = _node(rule, subjects)
    if not root.is_group:
        root = _bare("all", root)
    root.path = "0"
    return renumbered(root)


def _node(rule: dict[str, Any], subjects: Subjects) -> Draft:
    for match in ("all", "any"):
        if match in rule:
            return _group(match, rule[match], subjects)
    return _negated(rule["not"], subjects) if "not" in rule else _leaf(rule, subjects)


def _negated(inner: dict[str, Any], subjects: Subjects) -> Draft:
    for match, negated in (("any", "none"), ("all", "not_all")):
        if match in inner:
            return _group(negated, inner[match], subjects)
    drawn = _node(inner, subjects)
    if "not" in inner:
        return _bare("none", drawn)
    drawn.fields["negated"] = "on"
    return drawn


def _group(match: str, rules: list[dict[str, Any]], subjects: Subjects) -> Draft:
    return Draft("", {"kind": GROUP, "match": match}, [_node(each, subjects) for each in rules])


def _bare(match: str, only: Draft) -> Draft:
    """Return a group around one node that the rule writes without a group, so it is written so again."""
    return Draft("", {"kind": GROUP, "match": match, "bare": "on"}, [only])


def _leaf(rule: dict[str, Any], subjects: Subjects) -> Draft:
    if "event" in rule:
        return _event(rule, subjects)
    if "bought" in rule:
        return Draft("", _purchases(rule, subjects))
    if "in_segment" in rule:
        return Draft("", {"what": SEGMENT, "segment": rule_literals.name_text(rule["in_segment"])})
    if "random" in rule:
        low, high = rule.get("from_percent", 0), rule["to_percent"]
        share = {"low": repr(low), "high": repr(high)}
        return Draft("", {"what": RANDOM, "seed": rule_literals.name_text(rule["random"]), **share})
    source = next(each for each in Source if each in rule)
    value = subjects.values.write(source, rule[source], rule["op"], rule.get("value"))
    what = f"{source}:{rule_literals.name_text(rule[source])}"
    return Draft("", {"what": what, "op": rule["op"], "value": value})


def _event(rule: dict[str, Any], subjects: Subjects) -> Draft:
    draft = Draft("", {"what": EVENT, "event": rule_literals.name_text(rule["event"]), **_window(rule)})
    draft.tests[WHERE] = _tests(rule, subjects)
    if "then" not in rule:
        draft.fields |= _times(rule)
        return draft
    then = rule["then"]
    draft.tests[THEN_WHERE] = _tests(then, subjects)
    draft.fields |= {"what": SEQUENCE, "then": rule_literals.name_text(then["event"])}
    draft.fields |= {"within": str(rule["within_days"])}
    return draft


def _tests(pattern: dict[str, Any], subjects: Subjects) -> list[Fields]:
    return [
        {
            "property": rule_literals.name_text(test["property"]),
            "propop": test["op"],
            "propvalue": subjects.values.write(
                Source.PROPERTY, test["property"], test["op"], test.get("value")
            ),
        }
        for test in pattern.get("where", [])
    ]


def _purchases(rule: dict[str, Any], subjects: Subjects) -> Fields:
    fields = {"what": BOUGHT, "measure": rule["bought"], **_window(rule)}
    fields |= _times(rule, subjects.values.money_places if rule["bought"] == MONEY else 0)
    of = next((each.value for each in PurchaseOf if each in rule), "")
    return {**fields, "of": of, "of_name": rule_literals.name_text(rule[of]) if of else ""}


def _times(rule: dict[str, Any], places: int = 0) -> Fields:
    least, most = rule.get("at_least"), rule.get("at_most")
    if least is None:
        how = "never" if most == 0 else "at_most"
        return {"times": how, "count": rule_literals.number_text(most or 0, places)}
    count = {"count": rule_literals.number_text(least, places)}
    if most is None:
        return {"times": "at_least", **count}
    if most == least:
        return {"times": "exactly", **count}
    return {"times": "between", **count, "most": rule_literals.number_text(most, places)}


def _window(rule: dict[str, Any]) -> Fields:
    if rule.get("days") is not None:
        return {"window": "days", "days": str(rule["days"])}
    days = {name: rule[name] for name in ("from", "to") if rule.get(name) is not None}
    written = {name: date.fromisoformat(day).isoformat() for name, day in days.items()}
    return {"window": "dates", **written} if written else {"window": ""}

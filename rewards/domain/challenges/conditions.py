"""Conditions on the properties of an event or order: the rule tree of segments, over other names.

``{"all": [{"property": "score", "op": "gte", "value": 80}]}``; operators, limits and the treatment of what is
absent are those of `crm.domain.rules`.
"""

from __future__ import annotations

from typing import Any

from crm.domain.rules import AllOf, AnyOf, Condition, Not, Op, Rule, RuleError, Source, leaves, parse

_PROPERTY, _ATTRIBUTE = "property", "attribute"


def parse_conditions(data: Any) -> Rule:
    """Return the rule that ``data`` describes. Raises ``crm.domain.rules.RuleError``."""
    rule = parse(_renamed(data, _PROPERTY, _ATTRIBUTE))
    if not all(isinstance(leaf, Condition) and leaf.source is Source.ATTRIBUTE for leaf in leaves(rule)):
        raise RuleError("", "Conditions here name a property, an operator and a value.")
    return rule


def _renamed(data: Any, name: str, to: str) -> Any:
    if isinstance(data, list):
        return [_renamed(each, name, to) for each in data]
    if not isinstance(data, dict):
        return data
    if name in data:
        return {to if key == name else key: value for key, value in data.items()}
    if to in data:
        # The other name is no name here.
        return {f"not {to}": None}
    return {key: _renamed(value, name, to) for key, value in data.items()}


def conditions_to_json(rule: Rule) -> dict[str, Any]:
    """Write a rule as ``parse_conditions`` reads it."""
    if isinstance(rule, AllOf):
        return {"all": [conditions_to_json(each) for each in rule.rules]}
    if isinstance(rule, AnyOf):
        return {"any": [conditions_to_json(each) for each in rule.rules]}
    if isinstance(rule, Not):
        return {"not": conditions_to_json(rule.rule)}
    if isinstance(rule, Condition):
        return _condition(rule)
    raise TypeError(f"{type(rule).__name__} is no condition on a property.")


def _condition(rule: Condition) -> dict[str, Any]:
    written: dict[str, Any] = {_PROPERTY: rule.name, "op": rule.op.value}
    if rule.op not in {Op.EXISTS, Op.MISSING}:
        written["value"] = list(rule.value) if isinstance(rule.value, tuple) else rule.value
    return written

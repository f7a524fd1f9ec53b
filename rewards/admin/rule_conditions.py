"""Conditions of a rule as rows in lettered groups: made from a rule tree and back into one.

A group holds when all, any or none of its rows hold; the rule asks for all groups or for any. That writes
AND, OR and NOT two levels deep. A deeper tree, from the API or an import, is shown as JSON and kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin.condition_words import COMPARISON_LABELS, FIELD_LABELS, SOURCE_LABELS, is_money
from rewards.admin.money import to_major, to_minor
from rewards.domain.conditions import FACTS, FactKind, FactSource, Op
from tenants.admin.forms import StaffForm, offer

GROUPS: Final = ("A", "B", "C", "D")
ALL, ANY, NONE = "all", "any", "none"
MODES: Final = [
    (ALL, gettext_lazy("all of them hold")),
    (ANY, gettext_lazy("any of them holds")),
    (NONE, gettext_lazy("none of them holds")),
]
_NOT_IN: Final = "not_in"
_WITHOUT_VALUE: Final = frozenset({Op.EXISTS.value, Op.MISSING.value})
_LINE_FACTS: Final = (*(name for name in FIELD_LABELS if name.startswith("line.")), FactSource.ITEM.value)
_BASKET_OF: Final = ("category", "brand", "item")
_NAMED: Final = frozenset(
    {FactSource.PROPERTY, FactSource.ATTRIBUTE, FactSource.TRAIT, FactSource.SEGMENT, FactSource.ITEM}
)


def _label(fact: str) -> str:
    return str(FIELD_LABELS.get(fact) or SOURCE_LABELS.get(fact, fact))


def event_facts() -> list[tuple[str, str]]:
    """Return what a condition of an event can be about, with labels."""
    plain = [
        f"{source.value}.{name}"
        for source in (FactSource.ORDER, FactSource.MEMBER, FactSource.TIME)
        for name in FACTS[source]
    ]
    baskets = [
        (f"basket.{measure}.{of}", f"{_label(f'basket.{measure}')} {_label(f'line.{of}')} …")
        for measure in ("amount_minor", "units")
        for of in _BASKET_OF
    ]
    named = [FactSource.SEGMENT, FactSource.ATTRIBUTE, FactSource.TRAIT, FactSource.PROPERTY]
    return [
        ("", "–"),
        *((fact, _label(fact)) for fact in plain),
        *baskets,
        *((source.value, f"{_label(source.value)} …") for source in named),
    ]


def line_facts() -> list[tuple[str, str]]:
    """Return what a condition of a line can be about, with labels."""
    return [("", "–"), *((fact, _label(fact)) for fact in _LINE_FACTS)]


class ConditionRow(StaffForm):
    """One condition: group, fact, the name some facts need, comparison and value."""

    group = forms.ChoiceField(label=gettext_lazy("Group"), choices=[(name, name) for name in GROUPS])
    fact = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("for “…”: its name")}),
    )  # fmt: skip
    op = forms.ChoiceField(
        label=gettext_lazy("Comparison"), required=False,
        choices=[*COMPARISON_LABELS.items(), (_NOT_IN, gettext_lazy("is none of"))],
    )  # fmt: skip
    value = forms.CharField(label=gettext_lazy("Value"), max_length=2000, required=False)

    def __init__(
        self, *args: Any, currency: str = "USD", facts: Sequence[tuple[str, str]] = (), **kwargs: Any
    ) -> None:
        self.currency = currency
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        offer(self, "fact", facts)

    def is_given(self) -> bool:
        return bool(self.cleaned_data.get("fact")) and not self.cleaned_data.get("DELETE")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("fact"):
            try:
                values["rule"] = self._rule(values)
            except (ValueError, InvalidOperation):
                self.add_error("value", _("Give a value that fits the condition."))
        return values

    def _rule(self, values: Mapping[str, Any]) -> dict[str, Any]:
        source, _dot, name = values["fact"].partition(".")
        if not _dot:
            name = values.get("name", "").strip()
            if not name:
                self.add_error("name", _("This is needed."))
        if source == FactSource.SEGMENT.value:
            return {source: name}
        op = values["op"]
        rule: dict[str, Any] = {source: name, "op": Op.IN.value if op == _NOT_IN else op}
        if source == FactSource.BASKET.value:
            measure, _dot, of = name.partition(".")
            chosen = [part.strip() for part in values.get("name", "").split(",") if part.strip()]
            if not chosen:
                self.add_error("name", _("This is needed."))
            rule = {source: measure, "op": rule["op"],
                    "where": {"line": of, "op": Op.IN.value, "value": chosen}}  # fmt: skip
            name = measure
        if rule["op"] not in _WITHOUT_VALUE:
            rule["value"] = self._value(source, name, rule["op"], values.get("value", ""))
        return {"not": rule} if op == _NOT_IN else rule

    def _value(self, source: str, name: str, op: str, text: str) -> Any:
        kind = FACTS.get(FactSource(source), {}).get(name, FactKind.ANY)
        if op == Op.IN.value:
            parts = [part.strip() for part in text.split(",") if part.strip()]
            if not parts:
                raise ValueError(text)
            return [self._scalar(kind, name, part) for part in parts]
        if op == Op.CONTAINS.value:
            return text
        return self._scalar(kind, name, text.strip())

    def _scalar(self, kind: FactKind, name: str, text: str) -> Any:
        if kind is FactKind.TEXT:
            return text
        if kind is FactKind.BOOLEAN:
            return text.lower() in {"yes", "true", "1", "是"}
        if kind is FactKind.NUMBER:
            return to_minor(Decimal(text), self.currency) if is_money(name) else int(text)
        return _guessed(text)


def _guessed(text: str) -> Any:
    """Read what a tenant's own fact is compared with: a number, yes or no, else text."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


ConditionRows = forms.formset_factory(ConditionRow, extra=0, can_delete=True)


def tree_of(rows: Any, modes: Mapping[str, str], match: str) -> dict[str, Any] | None:
    """Return the rule tree, as JSON, that valid rows describe; nothing without rows."""
    by_group: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.is_given():
            by_group.setdefault(row.cleaned_data["group"], []).append(row.cleaned_data["rule"])
    groups = [_group(modes.get(name, ALL), rules) for name, rules in sorted(by_group.items())]
    if len(groups) <= 1:
        return groups[0] if groups else None
    return {match: groups}


def _group(mode: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    if mode == NONE:
        return {"not": rules[0] if len(rules) == 1 else {"any": rules}}
    return rules[0] if len(rules) == 1 else {mode: rules}


def rows_of(
    tree: Mapping[str, Any] | None, currency: str
) -> tuple[list[dict[str, Any]], dict[str, str], str]:
    """Return the initial rows, each group's mode, and how groups are joined; ``ValueError`` if too deep."""
    if tree is None:
        return [], {}, ALL
    match, groups = _groups(tree)
    if len(groups) > len(GROUPS):
        raise ValueError(json.dumps(tree))
    rows, modes = [], {}
    for letter, (mode, rules) in zip(GROUPS, groups, strict=False):
        modes[letter] = mode
        rows += [{"group": letter, **_row(rule, currency)} for rule in rules]
    return rows, modes, match


def _groups(tree: Mapping[str, Any]) -> tuple[str, list[tuple[str, list[Any]]]]:
    for match in (ALL, ANY):
        if match in tree:
            parts = tree[match]
            if all(_is_leaf(part) for part in parts):
                return ALL, [(match, parts)]
            return match, [_read_group(part) for part in parts]
    return ALL, [_read_group(tree)]


def _read_group(part: Mapping[str, Any]) -> tuple[str, list[Any]]:
    if _is_leaf(part):
        return ALL, [part]
    if "not" in part:
        body = part["not"]
        if _is_leaf(body):
            return NONE, [body]
        mode, rules = NONE, body.get("any")
    else:
        mode = ALL if ALL in part else ANY
        rules = part[mode]
    if not rules or not all(_is_leaf(rule) for rule in rules):
        raise ValueError(json.dumps(part))
    return mode, rules


def _is_leaf(rule: Mapping[str, Any]) -> bool:
    if "not" in rule:
        return rule["not"].get("op") == Op.IN.value and not {"where"} & set(rule["not"])
    return not {"all", "any"} & set(rule)


def _row(rule: Mapping[str, Any], currency: str) -> dict[str, Any]:
    if "not" in rule:
        return {**_row(rule["not"], currency), "op": _NOT_IN}
    source = next(each for each in FactSource if each.value in rule)
    name = rule[source.value]
    row = {"op": rule.get("op", ""), "value": _written(name, rule.get("value"), currency)}
    if source is FactSource.BASKET:
        where = rule.get("where") or {}
        if set(where) != {"line", "op", "value"} or where["op"] != Op.IN.value:
            raise ValueError(json.dumps(rule))
        return {**row, "fact": f"basket.{name}.{where['line']}", "name": ", ".join(where["value"])}
    if source in _NAMED:
        return {**row, "fact": source.value, "name": name}
    return {**row, "fact": f"{source.value}.{name}"}


def _written(name: str, value: Any, currency: str) -> str:
    if isinstance(value, list):
        return ", ".join(_written(name, part, currency) for part in value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(to_major(value, currency)) if is_money(name) else str(value)

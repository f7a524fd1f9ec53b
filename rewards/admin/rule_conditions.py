"""Conditions of a rule as rows in lettered groups: made from a rule tree and back into one.

A group holds when all, any or none of its rows hold; the rule asks for all groups or for any. That writes
AND, OR and NOT two levels deep. A deeper tree, from the API or an import, is shown as JSON and kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import condition_values
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
# Begins the names of the fields that say how groups of conditions on lines are read.
LINES: Final = "lines_"
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
    value = forms.CharField(
        label=gettext_lazy("Value"), max_length=2000, required=False,
        widget=forms.TextInput(
            attrs={
                "title": gettext_lazy(
                    'Several are separated by commas. Quotes make a text of a number: "10001".'
                )
            }
        ),
    )  # fmt: skip

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
            except ValueError:
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
            chosen = condition_values.read_texts(values.get("name", ""))
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
        if op == Op.CONTAINS.value:
            return condition_values.read_text(text)
        if op != Op.IN.value:
            return self._scalar(kind, name, text)
        found = self._listed(kind, name, text)
        if not found:
            raise ValueError(text)
        return found

    def _listed(self, kind: FactKind, name: str, text: str) -> list[Any]:
        if kind is FactKind.ANY:
            return condition_values.read_values(text)
        parts = condition_values.read_texts(text)
        return parts if kind is FactKind.TEXT else [self._scalar(kind, name, part) for part in parts]

    def _scalar(self, kind: FactKind, name: str, text: str) -> Any:
        if kind is FactKind.TEXT:
            return condition_values.read_text(text)
        if kind is FactKind.BOOLEAN:
            return text.strip().lower() in {"yes", "true", "1", "是"}
        value = condition_values.read(text)
        if kind is FactKind.NUMBER:
            if isinstance(value, bool | str):
                raise ValueError(text)
            return to_minor(Decimal(str(value)), self.currency) if is_money(name) else value
        return value


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
    if source is FactSource.SEGMENT:
        return {"fact": source.value, "name": name}
    kind = FACTS.get(source, {}).get(name, FactKind.ANY)
    row = {"op": rule["op"], "value": _written(kind, rule, name, currency)}
    if source is FactSource.BASKET:
        where = rule.get("where") or {}
        fact = f"basket.{name}.{where.get('line')}"
        is_shown = set(where) == {"line", "op", "value"} and fact in dict(event_facts())
        if not is_shown or where["op"] != Op.IN.value:
            raise ValueError(json.dumps(rule))
        return {**row, "fact": fact, "name": condition_values.write_texts(where["value"])}
    if source in _NAMED:
        return {**row, "fact": source.value, "name": name}
    return {**row, "fact": f"{source.value}.{name}"}


def _written(kind: FactKind, rule: Mapping[str, Any], name: str, currency: str) -> str:
    """Write a value as ``ConditionRow`` reads it for the kind of fact and the comparison."""
    value = rule.get("value")
    if value is None:
        return ""
    if rule["op"] == Op.CONTAINS.value:
        return condition_values.write_text(value)
    if isinstance(value, list):
        return ", ".join(_scalar_text(kind, each, name, currency, is_listed=True) for each in value)
    return _scalar_text(kind, value, name, currency)


def _scalar_text(kind: FactKind, value: Any, name: str, currency: str, *, is_listed: bool = False) -> str:
    if kind is FactKind.TEXT:
        return condition_values.write_text(value, is_listed=is_listed)
    if kind is FactKind.NUMBER and is_money(name):
        return str(to_major(value, currency))
    return condition_values.write(value, is_listed=is_listed)

"""Segment rules in words, and what a rule can be built from."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import trait_labels
from crm.domain.rules import AllOf, AnyOf, Condition, Not, Op, OrderMeasure, Rule, Source
from tenants.admin import formats

MEASURE_LABELS: Final[dict[str, str | Promise]] = {
    OrderMeasure.COUNT.value: gettext_lazy("number of orders"),
    OrderMeasure.REVENUE_MINOR.value: gettext_lazy("revenue"),
    OrderMeasure.RETURNED_MINOR.value: gettext_lazy("returned money"),
    OrderMeasure.DAYS_SINCE_FIRST.value: gettext_lazy("days since the first order"),
    OrderMeasure.DAYS_SINCE_LAST.value: gettext_lazy("days since the last order"),
}
OP_LABELS: Final[dict[str, str | Promise]] = {
    Op.GTE.value: gettext_lazy("at least"),
    Op.LTE.value: gettext_lazy("at most"),
    Op.GT.value: gettext_lazy("more than"),
    Op.LT.value: gettext_lazy("less than"),
    Op.EQ.value: gettext_lazy("is"),
    Op.NE.value: gettext_lazy("is not"),
    Op.IN.value: gettext_lazy("is one of"),
    Op.CONTAINS.value: gettext_lazy("contains"),
    Op.EXISTS.value: gettext_lazy("is known"),
    Op.MISSING.value: gettext_lazy("is unknown"),
}
MONEY_MEASURES: Final = frozenset({OrderMeasure.REVENUE_MINOR.value, OrderMeasure.RETURNED_MINOR.value})


def in_words(rule: Rule, currency: str) -> str:
    """Write a rule as a sentence: “revenue at least $500.00 and days since the last order more than 90”."""
    if isinstance(rule, AllOf):
        return _(" and ").join(_nested(each, currency) for each in rule.rules)
    if isinstance(rule, AnyOf):
        return _(" or ").join(_nested(each, currency) for each in rule.rules)
    if isinstance(rule, Not):
        return _("not (%(rule)s)") % {"rule": in_words(rule.rule, currency)}
    return _condition(rule, currency)


def _nested(rule: Rule, currency: str) -> str:
    words = in_words(rule, currency)
    return f"({words})" if isinstance(rule, AllOf | AnyOf) and len(rule.rules) > 1 else words


def _condition(condition: Condition, currency: str) -> str:
    label = subject_label(condition.source, condition.name)
    operator = str(OP_LABELS[condition.op.value])
    if condition.op in {Op.EXISTS, Op.MISSING}:
        return f"{label} {operator}"
    return f"{label} {operator} {_value(condition, condition.value, currency)}"


def subject_label(source: Source, name: str) -> str:
    if source is Source.ORDERS:
        return str(MEASURE_LABELS[name])
    return trait_labels.label_of(name) if source is Source.TRAIT else name


def _value(condition: Condition, value: Any, currency: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(condition, each, currency) for each in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if condition.source is Source.ORDERS and condition.name in MONEY_MEASURES:
        return formats.money(round(value), currency)
    if condition.source is Source.TRAIT:
        return trait_labels.value_of(condition.name, value, currency)
    return value if isinstance(value, str) else formats.number(value, 0 if float(value).is_integer() else 2)

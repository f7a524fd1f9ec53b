"""Facts, comparisons and conditions of rules in the words staff use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.domain.conditions import AllOf, AnyOf, Condition, FactSource, Not, Op, Tree, children, inner
from tenants.admin import formats

Text = str | Promise

FIELD_LABELS: Final[Mapping[str, Text]] = {
    "order.total_minor": gettext_lazy("order total"),
    "order.channel": gettext_lazy("channel"),
    "order.currency": gettext_lazy("currency"),
    "order.lines": gettext_lazy("number of lines"),
    "order.units": gettext_lazy("number of units"),
    "order.number": gettext_lazy("purchase number (1 is the first)"),
    "basket.amount_minor": gettext_lazy("money spent on"),
    "basket.units": gettext_lazy("units of"),
    "basket.lines": gettext_lazy("lines of"),
    "line.category": gettext_lazy("category"),
    "line.subcategory": gettext_lazy("subcategory"),
    "line.brand": gettext_lazy("brand"),
    "line.item": gettext_lazy("item"),
    "line.quantity": gettext_lazy("units of the line"),
    "line.amount_minor": gettext_lazy("money of the line"),
    "member.tier": gettext_lazy("tier"),
    "member.orders_before": gettext_lazy("orders before"),
    "member.qualifying_spend_minor": gettext_lazy("qualifying spend"),
    "member.days_enrolled": gettext_lazy("days as a member"),
    "time.weekday": gettext_lazy("weekday (1 is Monday)"),
    "time.hour": gettext_lazy("hour of the day"),
    "time.day": gettext_lazy("day of the month"),
    "time.month": gettext_lazy("month"),
    "time.is_birthday": gettext_lazy("birthday"),
    "time.is_anniversary": gettext_lazy("anniversary of joining"),
    "schedule.starts_at": gettext_lazy("start of the rule"),
    "schedule.ends_at": gettext_lazy("end of the rule"),
    "audience": gettext_lazy("audience"),
    "lines": gettext_lazy("lines that count"),
    # Records of before the names were settled.
    "order.weekday": gettext_lazy("weekday (1 is Monday)"),
    "order.hour": gettext_lazy("hour of the day"),
    "customer.tier": gettext_lazy("tier"),
    "customer.orders_before": gettext_lazy("orders before"),
    "customer.qualifying_spend_minor": gettext_lazy("qualifying spend"),
}
_FIRST_ORDER: Final = ((Op.LTE.value, 0), (Op.EQ.value, 0), (Op.LT.value, 1))
COMPARISON_LABELS: Final[Mapping[str, Text]] = {
    Op.GTE.value: gettext_lazy("at least"),
    Op.LTE.value: gettext_lazy("at most"),
    Op.EQ.value: gettext_lazy("is"),
    Op.NE.value: gettext_lazy("is not"),
    Op.IN.value: gettext_lazy("is one of"),
    Op.GT.value: gettext_lazy("more than"),
    Op.LT.value: gettext_lazy("less than"),
    Op.CONTAINS.value: gettext_lazy("contains"),
    Op.EXISTS.value: gettext_lazy("is known"),
    Op.MISSING.value: gettext_lazy("is not known"),
}
_FORMER_COMPARISONS: Final[Mapping[str, Text]] = {
    "at_least": gettext_lazy("at least"),
    "at_most": gettext_lazy("at most"),
    "is": gettext_lazy("is"),
    "is_not": gettext_lazy("is not"),
    "not_in": gettext_lazy("is none of"),
}
SOURCE_LABELS: Final[Mapping[str, Text]] = {
    FactSource.PROPERTY.value: gettext_lazy("event property"),
    FactSource.ATTRIBUTE.value: gettext_lazy("customer attribute"),
    FactSource.TRAIT.value: gettext_lazy("computed trait"),
    FactSource.SEGMENT.value: gettext_lazy("member of segment"),
    FactSource.ITEM.value: gettext_lazy("item attribute"),
}


def is_money(field: str) -> bool:
    """Whether a fact is money in minor units."""
    return field.endswith("_minor")


def field_label(field: str) -> str:
    """Name a fact: “order total”, “computed trait clv”."""
    if label := FIELD_LABELS.get(field):
        return str(label)
    source, _dot, name = field.partition(".")
    return f"{SOURCE_LABELS[source]} {name}" if source in SOURCE_LABELS else field


def comparison_label(comparison: str) -> str:
    return str(COMPARISON_LABELS.get(comparison) or _FORMER_COMPARISONS.get(comparison, comparison))


def operand(field: str, value: Any, currency: str) -> str:
    """Write what a fact is compared with, or was: money as money, a set as a list."""
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(operand(field, part, currency) for part in value)
    if value is None:
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if is_money(field) and isinstance(value, int):
        return formats.money(value, currency)
    return str(value)


def condition(field: str, comparison: str, value: Any, currency: str) -> str:
    """Write a condition: “order total at least $50.00”."""
    if field.startswith(f"{FactSource.SEGMENT.value}."):
        return field_label(field)
    if field.endswith(".orders_before") and (comparison, value) in _FIRST_ORDER:
        return _("it is the first order")
    start = f"{field_label(field)} {comparison_label(comparison)}"
    if comparison in {Op.EXISTS.value, Op.MISSING.value}:
        return start
    return f"{start} {operand(field, value, currency)}"


def tree(rule: Tree, currency: str) -> list[str]:
    """Write the conditions that must all hold, one text each."""
    if isinstance(rule, AllOf):
        return [text for child in children(rule) for text in tree(child, currency)]
    if isinstance(rule, AnyOf):
        return [_(" or ").join(joined(child, currency) for child in children(rule))]
    if isinstance(rule, Not):
        return [_("not (%(condition)s)") % {"condition": joined(inner(rule), currency)}]
    return [_leaf(rule, currency)]


def joined(rule: Tree, currency: str) -> str:
    """Write the conditions that must all hold as one text."""
    return _(" and ").join(tree(rule, currency))


def _leaf(rule: Condition, currency: str) -> str:
    if rule.source is not FactSource.BASKET or rule.where is None:
        return condition(rule.field, rule.op.value, rule.value, currency)
    chosen = joined(rule.where, currency)
    label, comparison = field_label(rule.field), comparison_label(rule.op.value)
    return f"{label} [{chosen}] {comparison} {operand(rule.field, rule.value, currency)}"

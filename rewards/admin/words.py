"""Earning rules and their conditions in the words staff use."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rewards.domain.conditions import Comparison, FactField
from rewards.domain.programs import Revision
from rewards.domain.rules import PERCENT, EarningRule
from tenants.admin import formats

FIELD_LABELS: Final[dict[str, str | Promise]] = {
    FactField.ORDER_TOTAL.value: gettext_lazy("order total"),
    FactField.ORDER_CHANNEL.value: gettext_lazy("channel"),
    FactField.ORDER_WEEKDAY.value: gettext_lazy("weekday (1 is Monday)"),
    FactField.ORDER_HOUR.value: gettext_lazy("hour of the day"),
    FactField.ORDER_LINES.value: gettext_lazy("number of lines"),
    FactField.CUSTOMER_TIER.value: gettext_lazy("tier"),
    FactField.CUSTOMER_ORDERS_BEFORE.value: gettext_lazy("orders before"),
    FactField.CUSTOMER_SPEND.value: gettext_lazy("qualifying spend"),
}
COMPARISON_LABELS: Final[dict[str, str | Promise]] = {
    Comparison.AT_LEAST.value: gettext_lazy("at least"),
    Comparison.AT_MOST.value: gettext_lazy("at most"),
    Comparison.IS.value: gettext_lazy("is"),
    Comparison.IS_NOT.value: gettext_lazy("is not"),
    Comparison.IN.value: gettext_lazy("is one of"),
    Comparison.NOT_IN.value: gettext_lazy("is none of"),
}
MONEY_FIELDS: Final = frozenset({FactField.ORDER_TOTAL.value, FactField.CUSTOMER_SPEND.value})


def operand(field: str, value: Any, currency: str) -> str:
    """Write what a fact is compared with, or was: money as money, a set as a list."""
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(operand(field, part, currency) for part in sorted(value))
    if value is None:
        return _("nothing")
    if field in MONEY_FIELDS and isinstance(value, int):
        return formats.money(value, currency)
    return str(value)


def condition(field: str, comparison: str, value: Any, currency: str) -> str:
    """Write a condition: “order total at least $50.00”."""
    return (
        f"{FIELD_LABELS.get(field, field)} {COMPARISON_LABELS.get(comparison, comparison)} "
        f"{operand(field, value, currency)}"
    )


def earning(rule: EarningRule, currency: str) -> str:
    """Write what a rule pays: “1 point per $1.00 spent”."""
    points = ngettext("%(n)s point", "%(n)s points", rule.points) % {"n": formats.number(rule.points)}
    if rule.per_minor is None:
        return _("%(points)s per order") % {"points": points}
    return _("%(points)s per %(money)s spent") % {
        "points": points,
        "money": formats.money(rule.per_minor, currency),
    }


def limits(rule: EarningRule) -> list[str]:
    """Write a rule's caps."""
    found = []
    if rule.caps.per_order is not None:
        found.append(_("at most %(n)s an order") % {"n": formats.number(rule.caps.per_order)})
    if rule.caps.per_month is not None:
        found.append(_("at most %(n)s a month") % {"n": formats.number(rule.caps.per_month)})
    if rule.stops:
        found.append(_("ends the list when it matches"))
    return found


def rule_in_words(rule: EarningRule, revision: Revision, currency: str) -> dict[str, Any]:
    """Return what a card shows of a rule."""
    tier_names = {tier.key: tier.name for tier in revision.tiers}
    return {
        "rule": rule,
        "earning": earning(rule, currency),
        "conditions": [
            condition(item.field.value, item.comparison.value, item.value, currency)
            for item in rule.conditions
        ],
        "categories": sorted(rule.categories),
        "category_factors": [(name, factor(value)) for name, value in sorted(rule.category_percent.items())],
        "tier_factors": [
            (tier_names.get(key, key), factor(value))
            for key, value in rule.tier_percent.items()
            if value != PERCENT
        ],
        "limits": limits(rule),
    }


def factor(percent: int) -> str:
    """Write a percent as a factor: 150 is ×1.5."""
    return f"×{percent / PERCENT:g}"

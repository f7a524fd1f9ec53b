"""Segment rules in words."""

from __future__ import annotations

from typing import Any, Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import trait_labels
from crm.domain.hidden_values import NOTHING
from crm.domain.rule_verdicts import Verdict
from crm.domain.rules import (
    AllOf,
    AnyOf,
    Condition,
    CustomerField,
    EventCount,
    EventPattern,
    EventSequence,
    InSegment,
    Leaf,
    Not,
    Op,
    OrderMeasure,
    PersonField,
    PurchaseMeasure,
    PurchaseOf,
    Purchases,
    RandomBucket,
    Rule,
    Source,
    Times,
    Window,
)
from crm.queries import rule_sources
from tenants.admin import formats

MEASURE_LABELS: Final[dict[str, str | Promise]] = {
    OrderMeasure.COUNT.value: gettext_lazy("number of orders"),
    OrderMeasure.REVENUE_MINOR.value: gettext_lazy("revenue"),
    OrderMeasure.RETURNED_MINOR.value: gettext_lazy("returned money"),
    OrderMeasure.DAYS_SINCE_FIRST.value: gettext_lazy("days since the first order"),
    OrderMeasure.DAYS_SINCE_LAST.value: gettext_lazy("days since the last order"),
}
PERSON_LABELS: Final[dict[str, str | Promise]] = {
    PersonField.CITY.value: gettext_lazy("city"),
    PersonField.COUNTRY.value: gettext_lazy("country"),
    PersonField.POSTCODE.value: gettext_lazy("postcode"),
    PersonField.LOCALE.value: gettext_lazy("language"),
    PersonField.AGE_YEARS.value: gettext_lazy("age in years"),
    PersonField.BIRTH_MONTH.value: gettext_lazy("month of birth"),
    PersonField.DAYS_TO_BIRTHDAY.value: gettext_lazy("days to the next birthday"),
}
CUSTOMER_LABELS: Final[dict[str, str | Promise]] = {
    CustomerField.DAYS_SINCE_CREATED.value: gettext_lazy("days since sign-up"),
    CustomerField.DAYS_SINCE_FIRST_SEEN.value: gettext_lazy("days since first seen"),
    CustomerField.DAYS_SINCE_LAST_SEEN.value: gettext_lazy("days since last seen"),
    CustomerField.DAYS_SINCE_JOINED.value: gettext_lazy("days as a member"),
}
LOYALTY_LABELS: Final[dict[str, str | Promise]] = {
    "tier": gettext_lazy("tier"),
    "qualifying_spend_minor": gettext_lazy("qualifying spend"),
}
PURCHASE_LABELS: Final[dict[str, str | Promise]] = {
    PurchaseMeasure.ORDERS.value: gettext_lazy("orders"),
    PurchaseMeasure.UNITS.value: gettext_lazy("units bought"),
    PurchaseMeasure.SPENT_MINOR.value: gettext_lazy("money spent"),
}
PURCHASE_OF_LABELS: Final[dict[str, str | Promise]] = {
    PurchaseOf.CATEGORY.value: gettext_lazy("category"),
    PurchaseOf.ITEM.value: gettext_lazy("item"),
    PurchaseOf.BRAND.value: gettext_lazy("brand"),
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
_MONEY_SUFFIX: Final = "_minor"


def in_words(rule: Rule, currency: str) -> str:
    """Write a rule as a sentence: “revenue at least $500.00 and days since the last order more than 90”."""
    if isinstance(rule, AllOf):
        return _(" and ").join(_nested(each, currency) for each in rule.rules)
    if isinstance(rule, AnyOf):
        return _(" or ").join(_nested(each, currency) for each in rule.rules)
    if isinstance(rule, Not):
        return _("not (%(rule)s)") % {"rule": in_words(rule.rule, currency)}
    return leaf_in_words(rule, currency)


def _nested(rule: Rule, currency: str) -> str:
    words = in_words(rule, currency)
    return f"({words})" if isinstance(rule, AllOf | AnyOf) and len(rule.rules) > 1 else words


def leaf_in_words(leaf: Leaf, currency: str) -> str:
    """Write one condition."""
    if isinstance(leaf, Condition):
        return _condition(leaf, currency)
    if isinstance(leaf, InSegment):
        return _("is in the segment “%(key)s”") % {"key": leaf.key}
    if isinstance(leaf, RandomBucket):
        low, high = formats.number(leaf.low, 0), formats.number(leaf.high, 0)
        words = {"seed": leaf.seed, "low": low, "high": high}
        return _("is in the random share from %(low)s to %(high)s percent of “%(seed)s”") % words
    if isinstance(leaf, EventSequence):
        steps = {
            "first": _event(leaf.first, currency),
            "then": _event(leaf.then, currency),
            "days": leaf.within_days,
        }
        did = _("did %(first)s and then %(then)s within %(days)s days") % steps
        return f"{did}{_window(leaf.window)}"
    return _counted(leaf, currency)


def _counted(leaf: EventCount | Purchases, currency: str) -> str:
    if isinstance(leaf, EventCount):
        event = _event(leaf.pattern, currency)
        if leaf.times.at_most == 0:
            return _("has not done %(event)s") % {"event": event} + _window(leaf.window)
        times = _limits(leaf.times, formats.number)
        return _("did %(event)s %(times)s times") % {"event": event, "times": times} + _window(leaf.window)
    is_money = leaf.measure is PurchaseMeasure.SPENT_MINOR
    times = _limits(leaf.times, lambda value: formats.money(value, currency) if is_money else str(value))
    words = f"{PURCHASE_LABELS[leaf.measure.value]} {times}"
    if leaf.of is not None:
        of = {"of": PURCHASE_OF_LABELS[leaf.of.value], "name": leaf.name}
        words += _(" of the %(of)s “%(name)s”") % of
    return words + _window(leaf.window)


def _event(pattern: EventPattern, currency: str) -> str:
    words = f"“{pattern.event}”"
    if pattern.where:
        where = _(" and ").join(_condition(each, currency) for each in pattern.where)
        words += _(" with %(where)s") % {"where": where}
    return words


def _limits(times: Times, write: Any) -> str:
    limits = []
    if times.at_least is not None:
        limits.append(f"{OP_LABELS['gte']} {write(times.at_least)}")
    if times.at_most is not None:
        limits.append(f"{OP_LABELS['lte']} {write(times.at_most)}")
    return _(" and ").join(limits)


def _window(window: Window) -> str:
    if window.days is not None:
        return _(" in the last %(days)s days") % {"days": window.days} if window.days > 1 else _(" today")
    words = ""
    if window.first is not None:
        words += _(" from %(day)s") % {"day": date_format(window.first, "SHORT_DATE_FORMAT")}
    if window.last is not None:
        words += _(" until %(day)s") % {"day": date_format(window.last, "SHORT_DATE_FORMAT")}
    return words


def _condition(condition: Condition, currency: str) -> str:
    label = subject_label(condition.source, condition.name)
    operator = str(OP_LABELS[condition.op.value])
    if condition.op in {Op.EXISTS, Op.MISSING}:
        return f"{label} {operator}"
    return f"{label} {operator} {_value(condition, condition.value, currency)}"


def subject_label(source: Source, name: str) -> str:
    """Return what a condition speaks of."""
    if name == NOTHING:
        return str(_("(sensitive, not read)"))
    fixed = {
        Source.ORDERS: MEASURE_LABELS,
        Source.PERSON: PERSON_LABELS,
        Source.CUSTOMER: CUSTOMER_LABELS,
        Source.LOYALTY: LOYALTY_LABELS,
    }.get(source, {})
    if name in fixed:
        return str(fixed[name])
    if source is Source.TRAIT:
        return trait_labels.label_of(name)
    lent = rule_sources.registered(source)
    return (dict(lent.names()).get(name) if lent else None) or name


def is_money(source: Source, name: str) -> bool:
    """Tell whether the value is an amount in minor units."""
    return source in {Source.ORDERS, Source.LOYALTY, Source.TRAIT} and name.endswith(_MONEY_SUFFIX)


def _value(condition: Condition, value: Any, currency: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(condition, each, currency) for each in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if condition.source is Source.TRAIT:
        return trait_labels.value_of(condition.name, value, currency)
    if isinstance(value, str):
        return value
    if is_money(condition.source, condition.name):
        return formats.money(round(value), currency)
    return formats.number(value, 0 if float(value).is_integer() else 2)


def verdict_in_words(verdict: Verdict, currency: str) -> str:
    """Write one node of a verdict: a condition as itself, a group as what it asks of its parts."""
    rule = verdict.rule
    if isinstance(rule, AllOf):
        return _("all hold")
    if isinstance(rule, AnyOf):
        return _("any holds")
    if isinstance(rule, Not):
        return _("does not hold")
    return leaf_in_words(rule, currency)

"""Earning rules in the words staff use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rewards.admin import condition_words, expiry_fields
from rewards.domain.programs import Revision
from rewards.domain.rules import (
    PERCENT,
    Cap,
    CapPeriod,
    EarningRule,
    FormulaPoints,
    GivePoints,
    Grant,
    GrantKind,
    MultiplyPoints,
    Rounding,
    Trigger,
)
from tenants.admin import formats

Text = str | Promise
TRIGGER_LABELS: Final[Mapping[str, Text]] = {
    Trigger.ORDER.value: gettext_lazy("An order"),
    Trigger.RETURN.value: gettext_lazy("A return"),
    Trigger.EVENT.value: gettext_lazy("An event by its name"),
    Trigger.BIRTHDAY.value: gettext_lazy("The birthday"),
    Trigger.ANNIVERSARY.value: gettext_lazy("The anniversary of joining"),
    Trigger.ENROLMENT.value: gettext_lazy("Joining the program"),
}
PERIOD_LABELS: Final[Mapping[str, Text]] = {
    CapPeriod.EVENT.value: gettext_lazy("an order or event"),
    CapPeriod.DAY.value: gettext_lazy("a day"),
    CapPeriod.WEEK.value: gettext_lazy("a week"),
    CapPeriod.MONTH.value: gettext_lazy("a month"),
    CapPeriod.PROGRAM.value: gettext_lazy("a member"),
}
ROUNDING_LABELS: Final[Mapping[Rounding, Text]] = {
    Rounding.DOWN: gettext_lazy("rounded down"),
    Rounding.NEAREST: gettext_lazy("rounded to the nearest"),
    Rounding.UP: gettext_lazy("rounded up"),
}
GRANT_LABELS: Final[Mapping[str, Text]] = {
    GrantKind.COUPON.value: gettext_lazy("Coupon"),
    GrantKind.REWARD.value: gettext_lazy("Reward"),
    GrantKind.CHALLENGE.value: gettext_lazy("Challenge progress"),
    GrantKind.TIER.value: gettext_lazy("Tier"),
    GrantKind.TRAIT.value: gettext_lazy("Trait"),
    GrantKind.MESSAGE.value: gettext_lazy("Message trigger"),
}


def _points(number: int) -> str:
    return ngettext("%(n)s point", "%(n)s points", number) % {"n": formats.number(number)}


def earning(rule: EarningRule, currency: str) -> str:
    """Write what a rule pays: “1 point per $1.00 spent”."""
    effect = rule.points
    if effect is None:
        return _("No points")
    if isinstance(effect, MultiplyPoints):
        if effect.rules:
            named = {"factor": factor(effect.percent), "rules": ", ".join(sorted(effect.rules))}
            return _("%(factor)s on the points of %(rules)s") % named
        return _("%(factor)s on the points of the rules before") % {"factor": factor(effect.percent)}
    if isinstance(effect, FormulaPoints):
        return _formula(effect)
    return _gift(rule, effect, currency)


def _formula(effect: FormulaPoints) -> str:
    terms = " + ".join(
        f"{float(term.weight):g} × {condition_words.field_label(f'{term.source.value}.{term.name}')}"
        for term in effect.terms
    )
    texts = [_("points = %(formula)s") % {"formula": f"{terms} + {float(effect.constant):g}"}]
    texts.append(str(ROUNDING_LABELS[effect.rounding]))
    if effect.at_least:
        texts.append(_("at least %(n)s") % {"n": formats.number(effect.at_least)})
    if effect.at_most is not None:
        texts.append(_("at most %(n)s") % {"n": formats.number(effect.at_most)})
    return ", ".join(texts)


def _gift(rule: EarningRule, effect: GivePoints, currency: str) -> str:
    points = _points(effect.points)
    if effect.per_minor is not None:
        money = formats.money(effect.per_minor, currency)
        return _("%(points)s per %(money)s spent") % {"points": points, "money": money}
    if effect.per_units is not None:
        units = ngettext("%(n)s unit", "%(n)s units", effect.per_units) % {"n": effect.per_units}
        return _("%(points)s per %(units)s") % {"points": points, "units": units}
    if effect.per_property:
        values = {"points": points, "n": effect.per_amount, "property": effect.per_property}
        return _("%(points)s per %(n)s of %(property)s") % values
    if rule.trigger is Trigger.ORDER:
        return _("%(points)s per order") % {"points": points}
    return points


def cap(limit: Cap) -> str:
    """Write a cap: “at most 500 points a month”."""
    if limit.per is CapPeriod.PROGRAM:
        amount = _points(limit.points) if limit.points is not None else _times(limit.times or 0)
        return _("at most %(amount)s per member in all") % {"amount": amount}
    period = str(PERIOD_LABELS[limit.per.value])
    if limit.points is not None:
        return _("at most %(amount)s %(period)s") % {"amount": _points(limit.points), "period": period}
    return _("at most %(amount)s %(period)s") % {"amount": _times(limit.times or 0), "period": period}


def _times(number: int) -> str:
    return ngettext("%(n)s time", "%(n)s times", number) % {"n": formats.number(number)}


def limits(rule: EarningRule) -> list[str]:
    """Write a rule's caps, budget and place among the others."""
    found = [cap(each) for each in rule.caps]
    if rule.budget:
        found.append(_("paid from budget %(budget)s") % {"budget": rule.budget})
    if rule.group:
        found.append(_("only the first of group %(group)s") % {"group": rule.group})
    if rule.stops:
        found.append(_("ends the list when it gives something"))
    return found


def grant(given: Grant) -> str:
    """Write what a rule gives besides points."""
    label = GRANT_LABELS[given.kind.value]
    if given.kind is GrantKind.TRAIT:
        return f"{label} {given.key} = {given.value}"
    if given.kind is GrantKind.CHALLENGE:
        return f"{label} {given.key} +{given.amount}"
    return f"{label} {given.key}"


def schedule(rule: EarningRule) -> str:
    """Write from when and until when a rule pays, or nothing."""
    parts = []
    if rule.starts_at:
        parts.append(_("from %(moment)s") % {"moment": formats.moment(rule.starts_at)})
    if rule.ends_at:
        parts.append(_("until %(moment)s") % {"moment": formats.moment(rule.ends_at)})
    return " ".join(parts)


def trigger(rule: EarningRule) -> str:
    """Write what a rule answers to."""
    if rule.trigger is Trigger.EVENT:
        return _("Event %(name)s") % {"name": rule.event}
    return str(TRIGGER_LABELS[rule.trigger.value])


def rule_in_words(rule: EarningRule, revision: Revision, currency: str) -> dict[str, Any]:
    """Return what a card shows of a rule."""
    tier_names = {tier.key: tier.name for tier in revision.tiers}
    effect = rule.points
    gift = effect if isinstance(effect, GivePoints) else None
    return {
        "rule": rule,
        "trigger": trigger(rule),
        "earning": earning(rule, currency),
        "grants": [grant(each) for each in rule.grants],
        "conditions": condition_words.tree(rule.when, currency) if rule.when else [],
        "lines": condition_words.joined(rule.lines, currency) if rule.lines else "",
        "category_factors": _factors(gift.category_percent if gift else {}, {}),
        "tier_factors": _factors(gift.tier_percent if gift else {}, tier_names),
        "limits": limits(rule),
        "schedule": schedule(rule),
        "expiry": expiry_fields.in_words(rule.expiry) if rule.expiry else "",
        "audience": sorted(rule.audience),
    }


def _factors(percents: Mapping[str, int], names: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (names.get(key, key), factor(value)) for key, value in sorted(percents.items()) if value != PERCENT
    ]


def factor(percent: int) -> str:
    """Write a percent as a factor: 150 is ×1.5."""
    return f"×{percent / PERCENT:g}"

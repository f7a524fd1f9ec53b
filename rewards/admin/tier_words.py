"""Metrics of tiers in the words staff use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rewards.domain.programs import Revision
from rewards.domain.qualification import (
    Combination,
    Criterion,
    Metric,
    Qualification,
    QualificationWindow,
)
from rewards.domain.rules import PERCENT
from rewards.domain.tiers import CostPer, PerkCost, Tier, prices_for
from rewards.models import Reward
from rewards.queries.tier_perks import Perk, PerkKind
from tenants.admin import formats

_PERIODS: Final = {
    QualificationWindow.CALENDAR_YEAR: gettext_lazy("the calendar year"),
    QualificationWindow.HALF_YEAR: gettext_lazy("the half year"),
    QualificationWindow.QUARTER: gettext_lazy("the quarter"),
    QualificationWindow.LIFETIME: gettext_lazy("all time"),
}
METRIC_LABELS: Final[dict[str, str | Promise]] = {
    Metric.SPEND.value: gettext_lazy("spend"),
    Metric.POINTS.value: gettext_lazy("points earned"),
    Metric.ORDERS.value: gettext_lazy("orders"),
    Metric.EVENTS.value: gettext_lazy("events"),
    Metric.SCORE.value: gettext_lazy("score"),
}


def amount(criterion: Criterion, value: int, currency: str) -> str:
    """Write an amount of a criterion: “$40.00 of spend”, “10 × lesson_done”."""
    if criterion.metric is Metric.SPEND:
        return _("%(money)s of spend") % {"money": formats.money(value, currency)}
    number = formats.number(value)
    if criterion.metric is Metric.POINTS:
        return _("%(n)s points earned in %(wallet)s") % {"n": number, "wallet": criterion.name}
    if criterion.metric is Metric.ORDERS:
        return ngettext("%(n)s order", "%(n)s orders", value) % {"n": number}
    if criterion.metric is Metric.EVENTS:
        return _("%(n)s × %(event)s") % {"n": number, "event": criterion.name}
    return _("a score of %(n)s") % {"n": number}


def needs_in_words(revision: Revision, currency: str) -> dict[str, str]:
    """Return what each tier needs, by its key."""
    qualification = revision.qualification
    criteria = {criterion.key: criterion for criterion in qualification.criteria}
    between = _(" or ") if qualification.combination is Combination.ANY else _(" and ")
    return {
        tier.key: between.join(amount(criteria[key], need, currency) for key, need in tier.needs.items())
        or _("everybody")
        for tier in revision.tiers
    }


def window_in_words(qualification: Qualification) -> str:
    """Write over which time things count: “the last 365 days”."""
    if qualification.window is QualificationWindow.ROLLING_DAYS:
        text = ngettext("the last %(n)s day", "the last %(n)s days", qualification.length)
        return text % {"n": formats.number(qualification.length)}
    if qualification.window is QualificationWindow.ROLLING_MONTHS:
        text = ngettext("the last %(n)s month", "the last %(n)s months", qualification.length)
        return text % {"n": qualification.length}
    return str(_PERIODS[qualification.window])


def reward_names(revision: Revision) -> dict[str, str]:
    """Return what the rewards are called that some tier has or has cheaper."""
    wanted = {key for tier in revision.tiers for key in (*tier.perks.rewards, *tier.perks.prices)}
    return dict(Reward.objects.filter(key__in=wanted).values_list("key", "name"))


def cost_in_words(cost: PerkCost, currency: str) -> str:
    """Write what a perk costs: “$3.00 an order”."""
    money = {"money": formats.money(cost.minor, currency)}
    if cost.per is CostPer.ORDER:
        return _("%(money)s an order") % money
    return _("%(money)s for a member and month") % money


def perk_in_words(perk: Perk, names: Mapping[str, str]) -> str:
    """Write one perk; ``names`` are those of rewards by key."""
    match perk.kind:
        case PerkKind.FREE_SHIPPING:
            return _("free shipping")
        case PerkKind.REWARD:
            return _("may buy %(reward)s") % {"reward": names.get(perk.name, perk.name)}
        case PerkKind.PRICE_LIST:
            return _("price list %(name)s") % {"name": perk.name}
        case _:
            return perk.name


def perks_in_words(revision: Revision, held: Tier, names: Mapping[str, str]) -> list[str]:
    """Return what a member of a tier has, the rewards and prices of the tiers below included."""
    tiers = revision.tiers
    ladder = tiers[: [tier.key for tier in tiers].index(held.key) + 1]
    exclusive = sorted({key for tier in ladder for key in tier.perks.rewards})
    prices = prices_for(tiers, held.key)
    found = [
        _("%(rule)s × %(factor)s")
        % {"rule": each.name, "factor": f"{each.percent_by_tier[held.key] / PERCENT:g}"}
        for each in revision.multipliers
        if each.percent_by_tier.get(held.key, PERCENT) != PERCENT
    ]
    found += [_("free shipping")] if held.perks.has_free_shipping else []
    found += held.perks.entitlements
    found += [_("may buy %(reward)s") % {"reward": names[key]} for key in exclusive if key in names]
    found += [
        _("%(reward)s for %(points)s points") % {"reward": names[key], "points": formats.number(points)}
        for key, points in sorted(prices.items())
        if key in names
    ]
    if held.perks.price_list:
        found.append(_("price list %(name)s") % {"name": held.perks.price_list})
    return found

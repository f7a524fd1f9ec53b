"""Metrics of tiers in the words staff use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.domain.qualification import Metric
from rewards.domain.tiers import Tier, prices_for
from rewards.models import Reward
from tenants.admin import formats

METRIC_LABELS: Final[dict[str, str | Promise]] = {
    Metric.SPEND.value: gettext_lazy("spend"),
    Metric.POINTS.value: gettext_lazy("points earned"),
    Metric.ORDERS.value: gettext_lazy("orders"),
    Metric.EVENTS.value: gettext_lazy("events"),
    Metric.SCORE.value: gettext_lazy("score"),
}


def amount(metric: Metric, value: int, currency: str) -> str:
    """Write an amount of a metric: money as money, the rest with what it counts."""
    written = formats.money(value, currency) if metric is Metric.SPEND else formats.number(value)
    return f"{written} {METRIC_LABELS[metric.value]}"


def needs_in_words(revision: Any, currency: str) -> dict[str, str]:
    """Return what each tier needs, by its key."""
    metrics = {criterion.key: criterion.metric for criterion in revision.qualification.criteria}
    return {
        tier.key: " / ".join(amount(metrics[key], need, currency) for key, need in tier.needs.items())
        or _("everybody")
        for tier in revision.tiers
    }


def perks_in_words(tiers: Sequence[Tier], held: Tier) -> list[str]:
    """Return what a member of a tier has, the rewards and prices of the tiers below included."""
    ladder = tiers[: [tier.key for tier in tiers].index(held.key) + 1]
    exclusive = sorted({key for tier in ladder for key in tier.perks.rewards})
    prices = prices_for(tiers, held.key)
    names = dict(Reward.objects.filter(key__in={*exclusive, *prices}).values_list("key", "name"))
    found = [_("free shipping")] if held.perks.has_free_shipping else []
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

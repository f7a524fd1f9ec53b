"""Metrics of tiers in the words staff use."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.domain.qualification import Metric
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

"""Computed traits in words; a trait nobody named speaks for itself."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import ComputedTrait
from tenants.admin import formats

_LABELS: Final[dict[str, str | Promise]] = {
    "churn_risk": _("Risk of leaving"),
    "purchase_probability_90d": _("Buys again in 90 days"),
    "expected_purchases_90d": _("Purchases expected in 90 days"),
    "probability_alive": _("Still a customer"),
    "predicted_value_minor": _("Predicted value"),
    "customer_group": _("Customer group"),
    "average_basket_minor": _("Average basket"),
    "days_between_orders": _("Days between orders"),
    "favourite_category": _("Favourite category"),
    "favourite_channel": _("Favourite channel"),
    "events_count": _("Events"),
    "clicks_count": _("Clicks"),
    "sessions_count": _("Sessions"),
    "active_days": _("Active days"),
    "time_spent_seconds": _("Time spent"),
    "first_touch": _("First touch"),
    "last_touch": _("Last touch"),
    "rfm_recency": _("RFM recency (1 to 5)"),
    "rfm_frequency": _("RFM frequency (1 to 5)"),
    "rfm_monetary": _("RFM money (1 to 5)"),
}
_SHARES: Final = ("risk", "probability", "share")


def label_of(name: str) -> str:
    return str(_LABELS.get(name, name.replace("_", " ").capitalize()))


def is_share(name: str) -> bool:
    """Tell whether a trait is a probability, written in percent."""
    return any(word in name for word in _SHARES)


def in_words(trait: ComputedTrait, currency: str) -> dict[str, Any]:
    """Return what a card shows of a trait: label, value, its share for a bar, origin and age."""
    has_share = trait.number is not None and is_share(trait.name)
    return {
        "name": trait.name,
        "label": label_of(trait.name),
        "value": value_of(trait.name, trait.value, currency),
        "share": round((trait.number or 0) * 100) if has_share else None,
        "model_version": trait.model_version,
        "computed_at": trait.computed_at,
    }


def value_of(name: str, value: float | str | None, currency: str) -> str:
    """Write a trait's value: shares in percent, money in the tenant's currency."""
    if value is None or isinstance(value, str):
        return value or "–"
    if is_share(name):
        return formats.percent(value)
    if name.endswith("_minor"):
        return formats.money(round(value), currency)
    return formats.number(value, 0 if float(value).is_integer() else 2)

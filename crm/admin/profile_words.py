"""A customer's own history in words: each value with what it is; one age and one source for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from crm.admin.trait_labels import label_of
from crm.models import CustomerProfile, OrderSummary
from tenants.admin import formats

_COUNTED: Final = ("events_count", "clicks_count", "sessions_count", "active_days")
_MOST_CATEGORIES: Final = 3


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the card."""

    label: str
    value: str


def facts(
    profile: CustomerProfile | None, summary: OrderSummary | None, currency: str, now: datetime
) -> list[Fact]:
    """Return what is known of the history, the buying first; what is unknown is left out."""
    found: list[Fact] = []
    if summary is not None and summary.last_order_at is not None:
        found += [
            Fact(_("Days since the last order"), formats.number((now - summary.last_order_at).days)),
            Fact(_("Orders"), formats.number(summary.orders_count)),
            Fact(_("Revenue"), formats.money(summary.revenue_minor - summary.returned_minor, currency)),
        ]
    return found + (_of_profile(profile, currency) if profile is not None else [])


def _of_profile(profile: CustomerProfile, currency: str) -> list[Fact]:
    write: dict[str, Callable[[Any], str]] = {
        "average_basket_minor": lambda value: formats.money(value, currency),
        "days_between_orders": lambda value: formats.number(value, 1),
        "time_spent_seconds": formats.duration,
        **dict.fromkeys(_COUNTED, formats.number),
        **dict.fromkeys(("favourite_channel", "first_touch", "last_touch"), str),
    }
    found = [
        Fact(label_of(name), written(getattr(profile, name)))
        for name, written in write.items()
        if getattr(profile, name) not in {None, 0}
    ]
    if profile.rfm_recency is not None:
        cell = f"{profile.rfm_recency}-{profile.rfm_frequency}-{profile.rfm_monetary}"
        found.append(Fact(_("RFM cell"), cell))
    shares = sorted(profile.category_shares.items(), key=lambda pair: (-pair[1], pair[0]))
    if shares:
        loved = ", ".join(f"{name} {formats.percent(share)}" for name, share in shares[:_MOST_CATEGORIES])
        found.append(Fact(_("Loves"), loved))
    return found

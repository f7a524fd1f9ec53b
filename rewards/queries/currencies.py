"""The currencies that orders come in."""

from __future__ import annotations

from typing import Final

from crm.models import Order

# Enough to meet what comes in at all often, and few enough for every page that checks a program.
_LATEST: Final = 1_000


def lately() -> frozenset[str]:
    """Return the currencies of the latest thousand orders."""
    latest = Order.objects.order_by("-placed_at", "-id").values_list("currency", flat=True)[:_LATEST]
    return frozenset(latest)

"""Names and kinds of what is aggregated from a customer's own history; rules use them like traits."""

from __future__ import annotations

from typing import Final

NUMBER, TEXT = "number", "text"
PROFILE_TRAITS: Final[dict[str, str]] = {
    "average_basket_minor": NUMBER,
    "days_between_orders": NUMBER,
    "favourite_category": TEXT,
    "favourite_channel": TEXT,
    "events_count": NUMBER,
    "clicks_count": NUMBER,
    "sessions_count": NUMBER,
    "active_days": NUMBER,
    "time_spent_seconds": NUMBER,
    "first_touch": TEXT,
    "last_touch": TEXT,
    "rfm_recency": NUMBER,
    "rfm_frequency": NUMBER,
    "rfm_monetary": NUMBER,
}
# Followed by a category: the share of its lines in what the customer spent.
CATEGORY_SHARE: Final = "category_share."


def is_profile_trait(name: str) -> bool:
    return name in PROFILE_TRAITS or name.startswith(CATEGORY_SHARE)

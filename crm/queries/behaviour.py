"""What customers' own history says of them, as traits and as a section of the profile."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from crm.domain.profile_traits import CATEGORY_SHARE, NUMBER, PROFILE_TRAITS
from crm.models import CustomerProfile


def of_customer(customer_id: int) -> CustomerProfile | None:
    found: CustomerProfile | None = CustomerProfile.objects.filter(customer=customer_id).first()
    return found


def traits_of(customer_ids: Collection[int]) -> dict[int, dict[str, float | str]]:
    """Return the known values by customer and by the names that rules use (one query)."""
    rows = CustomerProfile.objects.filter(customer__in=customer_ids)
    return {row.customer_id: _traits(row) for row in rows}


def _traits(row: CustomerProfile) -> dict[str, float | str]:
    known = {name: getattr(row, name) for name in PROFILE_TRAITS if getattr(row, name) is not None}
    found = {name: float(value) if PROFILE_TRAITS[name] == NUMBER else value for name, value in known.items()}
    return found | {f"{CATEGORY_SHARE}{name}": share for name, share in row.category_shares.items()}


def profile_section(customer_ids: list[int]) -> dict[int, Any]:
    """Return the section ``behaviour`` of the API's customer: every value, and when it was computed."""
    rows = CustomerProfile.objects.filter(customer__in=customer_ids)
    return {
        row.customer_id: {
            **{name: getattr(row, name) for name in PROFILE_TRAITS},
            "category_shares": row.category_shares,
            "computed_at": row.computed_at,
        }
        for row in rows
    }

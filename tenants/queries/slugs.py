"""Slugs that are free."""

from __future__ import annotations

from typing import Final

from tenants.domain import slugs
from tenants.models import Tenant

_TRIED: Final = 20


def free_slug(name: str) -> str:
    """Return the slug a tenant's name suggests, numbered where others have it; empty for no Latin name."""
    wanted = slugs.suggested(name)
    if not wanted:
        return ""
    candidates = slugs.variants(wanted, _TRIED)
    taken = set(Tenant.objects.filter(slug__in=candidates).values_list("slug", flat=True))
    return next((slug for slug in candidates if slug not in taken), "")


def is_taken(slug: str) -> bool:
    return Tenant.objects.filter(slug=slug).exists()

"""Whether a tenant's books have a frozen account: asked by every page, so answered from the cache."""

from __future__ import annotations

from typing import Final

from django.core.cache import cache

from rewards.models import Account
from tenants.scope import active_tenant_id

_SECONDS: Final = 60


def count() -> int:
    """Return how many accounts are frozen, at most a minute old."""
    found = cache.get(_key())
    if found is None:
        found = Account.objects.filter(frozen_at__isnull=False).count()
        cache.set(_key(), found, _SECONDS)
    return int(found)


def forget() -> None:
    """Count again at the next page: an account was frozen or opened."""
    cache.delete(_key())


def _key() -> str:
    return f"rewards.frozen:{active_tenant_id()}"

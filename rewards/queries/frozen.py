"""Whether a tenant's books have a frozen account: asked by every page, so answered from the cache."""

from __future__ import annotations

from typing import Final

from django.core.cache import cache

from rewards.models import Account
from tenants.scope import active_tenant_id

_SECONDS: Final = 60


def count() -> int:
    """Return how many accounts are frozen, at most a minute old."""
    key = _key(active_tenant_id())
    found = cache.get(key)
    if found is None:
        found = Account.objects.filter(frozen_at__isnull=False).count()
        cache.set(key, found, _SECONDS)
    return int(found)


def forget(tenant_id: int) -> None:
    """Count again at the tenant's next page: an account was frozen or opened."""
    cache.delete(_key(tenant_id))


def _key(tenant_id: int) -> str:
    return f"rewards.frozen:{tenant_id}"

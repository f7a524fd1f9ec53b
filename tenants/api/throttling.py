from __future__ import annotations

import time
from typing import Any, cast

from django.conf import settings
from limits import parse
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from rest_framework.throttling import BaseThrottle

from tenants.access import Access

_limit = parse(settings.API_RATE_LIMIT)
_storage = cast(Storage, storage_from_string(settings.RATE_LIMIT_STORAGE_URL))
_limiter = FixedWindowRateLimiter(_storage)


def seconds_to_wait(access: Access) -> int:
    """Count a request of a key outside the API framework; return 0, or how long to wait: it was too many."""
    name = _name_of(access)
    if _limiter.hit(_limit, name):
        return 0
    return int(max(0.0, _limiter.get_window_stats(_limit, name).reset_time - time.time())) + 1


def _name_of(access: Access) -> str:
    return f"key:{access.tenant.pk}:{access.actor.id}"


class KeyThrottle(BaseThrottle):
    """At most ``API_RATE_LIMIT`` requests a key; above it 429 with Retry-After."""

    def allow_request(self, request: Any, view: Any) -> bool:
        self._name = _name_of(request.access) if request.access else "none"
        return bool(_limiter.hit(_limit, self._name))

    def wait(self) -> float:
        return max(0.0, _limiter.get_window_stats(_limit, self._name).reset_time - time.time())

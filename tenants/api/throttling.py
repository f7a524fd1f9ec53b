from __future__ import annotations

import time
from typing import Any, cast

from django.conf import settings
from limits import parse
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from rest_framework.throttling import BaseThrottle

_limit = parse(settings.API_RATE_LIMIT)
_storage = cast(Storage, storage_from_string(settings.RATE_LIMIT_STORAGE_URL))
_limiter = FixedWindowRateLimiter(_storage)


class KeyThrottle(BaseThrottle):
    """At most ``API_RATE_LIMIT`` requests a key; above it 429 with Retry-After."""

    def allow_request(self, request: Any, view: Any) -> bool:
        self._name = f"key:{request.access.tenant.pk}:{request.access.actor.id}" if request.access else "none"
        return bool(_limiter.hit(_limit, self._name))

    def wait(self) -> float:
        return max(0.0, _limiter.get_window_stats(_limit, self._name).reset_time - time.time())

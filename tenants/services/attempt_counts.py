"""Where attempts are counted, such as guessed codes and sign-ups: in a store that all processes share.

While it is away each process counts in its own memory.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeVar, cast

import structlog
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")

_AWAY_SECONDS: Final = 5
_log = structlog.get_logger(__name__)


class AttemptCounts:
    """Counters that end by themselves. A store that failed is not asked for some seconds: shoppers wait."""

    def __init__(self, url: str) -> None:
        """Take the URL of a Redis (``redis://…``, ``unix://…``) or of another store of ``limits``."""
        options: dict[str, Any] = {"socket_timeout": 1, "socket_connect_timeout": 1}
        if url.startswith("unix:"):
            # The client's spelling of a socket; this library has its own.
            url = f"redis+{url}"
        if url.startswith("redis"):
            # The library's own way is to try four times, with seconds between.
            options["retry"] = Retry(NoBackoff(), 0)
        self._shared = cast("Storage", storage_from_string(url, wrap_exceptions=True, **options))
        self._own = MemoryStorage()
        # The library starts the clock of a store in memory without a lock; two threads could start it twice.
        self._memory = Lock()
        self._away_until = 0.0

    def get(self, key: str) -> int:
        """Return the sum that stands, 0 once its time is over."""
        return self._ask(lambda store: store.get(key))

    def add(self, key: str, amount: int, *, ttl_seconds: int) -> int:
        """Return the sum after the addition; the first one sets the end."""
        return self._ask(lambda store: store.incr(key, ttl_seconds, amount))

    def clear(self, key: str) -> None:
        """Forget the sum, here and for all processes."""
        with self._memory:
            self._own.clear(key)
        self._ask(lambda store: store.clear(key))

    def _ask(self, work: Callable[[Storage], T]) -> T:
        if monotonic() >= self._away_until:
            try:
                return self._work(self._shared, work)
            except StorageError:
                self._away_until = monotonic() + _AWAY_SECONDS
                _log.exception("attempts.store_unavailable")
        return self._work(self._own, work)

    def _work(self, store: Storage, work: Callable[[Storage], T]) -> T:
        if isinstance(store, MemoryStorage):
            with self._memory:
                return work(store)
        return work(store)

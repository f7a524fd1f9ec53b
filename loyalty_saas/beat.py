"""The clock of the periodic tasks. Any number of beats may run: one sends, the others wait for its place."""

from __future__ import annotations

from typing import Any, Final

import structlog
from celery.beat import PersistentScheduler
from django.db import Error, connections

log = structlog.get_logger(__name__)
WAITING_SECONDS: Final = 1.0
_KEY: Final = 7_201_471
_TAKE: Final = "SELECT pg_try_advisory_xact_lock(%s)"
# The server notices within half a minute that a machine is gone, and never ends the transaction for its age.
_KEEP: Final = """
    SELECT set_config('idle_in_transaction_session_timeout', '0', true),
           set_config('tcp_keepalives_idle', '10', true),
           set_config('tcp_keepalives_interval', '5', true),
           set_config('tcp_keepalives_count', '4', true)
"""


class BeatLock:
    """The right to send, a lock of the database.

    It belongs to a transaction that stays open: that holds through a pooler in transaction mode as well, and
    one at READ COMMITTED that runs nothing keeps no snapshot, so vacuum goes on.
    """

    def __init__(self) -> None:
        self._database = connections["platform"].copy()
        self._database.settings_dict["AUTOCOMMIT"] = False
        self.is_held = False

    def acquire(self) -> bool:
        """Whether we hold it now. Asks the database each time: with its connection the lock is lost."""
        try:
            self._ask()
        except Error:
            self.is_held = False
            self._database.close()
        return self.is_held

    def _ask(self) -> None:
        with self._database.cursor() as cursor:
            if self.is_held:
                cursor.execute("SELECT 1")
                return
            cursor.execute(_TAKE, [_KEY])
            (self.is_held,) = cursor.fetchone()
            if self.is_held:
                cursor.execute(_KEEP)
                return
        self._database.rollback()


class SingleScheduler(PersistentScheduler):
    """Celery's scheduler that sends nothing while another beat of the same database does.

    Who takes over sends once what came due meanwhile, as after a restart; the tasks look at rows.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._lock = BeatLock()
        super().__init__(*arguments, **options)

    def tick(self, *arguments: Any, **options: Any) -> float:
        was_held = self._lock.is_held
        if self._lock.acquire() != was_held:
            log.info("beat.lost_its_place" if was_held else "beat.sends")
        if not self._lock.is_held:
            return WAITING_SECONDS
        return float(super().tick(*arguments, **options))

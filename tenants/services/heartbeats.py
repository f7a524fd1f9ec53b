"""Signs of life of a running job, and whether it is still this worker's.

A job belongs to one attempt of one worker. A worker that was stopped for so long that another one has been
given its job finds that out with its next sign of life, and writes nothing into the job any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

import structlog
from django.db import Error, connections

from tenants.errors import DomainError

log = structlog.get_logger(__name__)
BEAT_SECONDS: Final = 10.0
_ALIVE: Final = """
    UPDATE tenants_job SET heartbeat_at = clock_timestamp()
    WHERE tenant_id = %s AND id = %s AND attempts = %s AND state = 'running'
"""
_PROGRESS: Final = """
    UPDATE tenants_job SET done = %s, total = %s, message = %s, heartbeat_at = clock_timestamp()
    WHERE tenant_id = %s AND id = %s AND attempts = %s AND state = 'running'
    RETURNING is_cancel_requested
"""


class JobCancelled(DomainError):
    """Raised inside a handler's progress call after somebody asked to cancel."""

    code = "job_cancelled"
    title = "The job was cancelled"


class JobLost(DomainError):
    """Raised inside a handler's progress call when the job was given to another worker."""

    code = "job_lost"
    title = "Another worker has the job"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One worker's turn at a job."""

    tenant_id: int
    job_id: int
    number: int

    @property
    def key(self) -> list[int]:
        """The values that name the row and this turn in a statement."""
        return [self.tenant_id, self.job_id, self.number]


def progress_writer(attempt: Attempt) -> Callable[[int, int, str], None]:
    """Return a writer on a connection of its own: progress shows before the work commits.

    It raises ``JobCancelled`` and ``JobLost``.
    """

    def write(done: int, total: int, message: str = "") -> None:
        with connections["platform"].cursor() as cursor:
            cursor.execute(_PROGRESS, [done, total, message[:300], *attempt.key])
            row = cursor.fetchone()
        if row is None:
            raise JobLost
        if row[0]:
            raise JobCancelled

    return write


class Heartbeat:
    """A thread that says every ten seconds that the job is alive, however long its stages take."""

    def __init__(self, attempt: Attempt, *, beat_seconds: float = BEAT_SECONDS) -> None:
        self._attempt, self._seconds = attempt, beat_seconds
        self._stop = Event()
        self._thread = Thread(target=self._run, name=f"heartbeat-{attempt.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # A job that is done before its first beat costs no connection.
        try:
            while not self._stop.wait(self._seconds) and self._beat():
                pass
        finally:
            connections["platform"].close()

    def _beat(self) -> bool:
        """Return whether to go on: a database that is away for a while is no reason to stop."""
        try:
            with connections["platform"].cursor() as cursor:
                cursor.execute(_ALIVE, self._attempt.key)
                return bool(cursor.rowcount)
        except Error:
            log.warning("job.heartbeat_failed", job_id=self._attempt.job_id, exc_info=True)
            connections["platform"].close()
            return True

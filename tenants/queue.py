"""The queue: work is a row first; a message carries the tenant and the row's id and may be lost or doubled.

Apps register here what acts on outbox topics (``consumes``), what runs jobs (``job_handler``) and small
Celery tasks of one tenant (``tenant_task``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from zlib import crc32

import structlog
from celery import current_app, shared_task
from celery.exceptions import OperationalError
from django.conf import settings
from django.db import transaction

from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import active_tenant_id, tenant_scope

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

log = structlog.get_logger(__name__)
QUEUES = ("interactive", "default", "ml", "webhooks")


class OutboxConsumer(Protocol):
    def __call__(self, *, payload: Any, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job's handler gets. No scope is open: the handler opens one to read and one to write."""

    tenant: Tenant
    params: dict[str, Any]
    actor: Actor
    at: datetime
    progress: Callable[[int, int, str], None]


JobHandler = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class JobWords:
    """How staff read a kind of job; ``about`` tells from its parameters what one job is about.

    ``leads_to`` returns the name and the arguments of the page where its result is looked at.
    """

    label: StrPromise
    about: Callable[[dict[str, Any]], object] | None = None
    leads_to: Callable[[dict[str, Any]], tuple[str, list[Any]]] | None = None


@dataclass(slots=True)
class _Registry:
    consumers_by_topic: dict[str, list[OutboxConsumer]] = field(default_factory=lambda: defaultdict(list))
    handler_by_kind: dict[str, JobHandler] = field(default_factory=dict)
    words_by_kind: dict[str, JobWords] = field(default_factory=dict)
    queue_by_kind: dict[str, str] = field(default_factory=dict)
    nightly_kinds: set[str] = field(default_factory=set)
    queue_by_task: dict[str, str] = field(default_factory=dict)


registry = _Registry()
_quiet_until: ContextVar[datetime | None] = ContextVar("quiet_until", default=None)


def consumes(topic: str) -> Callable[[OutboxConsumer], OutboxConsumer]:
    """Register a consumer of ``topic``: it runs in the scope and transaction that mark the row done."""

    def register(consumer: OutboxConsumer) -> OutboxConsumer:
        if consumer not in registry.consumers_by_topic[topic]:
            registry.consumers_by_topic[topic].append(consumer)
        return consumer

    return register


def job_handler(
    kind: str,
    *,
    label: StrPromise,
    about: Callable[[dict[str, Any]], object] | None = None,
    leads_to: Callable[[dict[str, Any]], tuple[str, list[Any]]] | None = None,
    queue: str = "default",
    is_nightly: bool = False,
) -> Callable[[JobHandler], JobHandler]:
    """Register the handler of jobs of ``kind``: ``handler(job=JobContext) -> result``.

    ``label`` is what staff read, and ``about`` returns from the parameters what a job is about,
    ``leads_to`` the page where its result is looked at. A nightly
    kind is started without parameters for every tenant, in the tenant's own night.
    """

    def register(handler: JobHandler) -> JobHandler:
        if is_nightly:
            registry.nightly_kinds.add(kind)
        registry.handler_by_kind[kind] = handler
        registry.queue_by_kind[kind] = queue
        registry.words_by_kind[kind] = JobWords(label, about, leads_to)
        return handler

    return register


def tenant_task(*, name: str, queue: str = "default") -> Callable[[Callable[..., Any]], Any]:
    """Make a Celery task of a function that runs inside the scope of ``tenant_id``."""
    registry.queue_by_task[name] = queue

    def decorate(function: Callable[..., Any]) -> Any:
        @shared_task(name=name)
        @wraps(function)
        def run(*, tenant_id: int, **kwargs: Any) -> None:
            with tenant_scope(tenant_id):
                function(**kwargs)

        return run

    return decorate


def shard_queue(queue: str, tenant_id: int) -> str:
    """Return the shard of ``default`` for a tenant: a noisy tenant fills its shard, not the queue."""
    if queue != "default":
        return queue
    return f"default.{crc32(str(tenant_id).encode()) % settings.QUEUE_SHARDS}"


@contextmanager
def keeping_quiet(*, until: datetime) -> Iterator[None]:
    """Send no messages for the block: for who acts on its rows itself.

    Rows of the outbox that it writes are its own until then; afterwards the sweepers find what is left.
    """
    token = _quiet_until.set(until)
    try:
        yield
    finally:
        _quiet_until.reset(token)


def quiet_until() -> datetime | None:
    """Until when the open block keeps what it writes for itself; ``None`` outside of one."""
    return _quiet_until.get()


def enqueue(name: str, *, queue: str = "default", **ids: int) -> None:
    """Send the task ``name`` for the active tenant once the transaction has committed."""
    if _quiet_until.get() is not None:
        return
    tenant_id = active_tenant_id()
    target = shard_queue(queue, tenant_id)
    transaction.on_commit(
        lambda: send(name, target, {"tenant_id": tenant_id, **ids}),
        robust=True,
    )


class Broker:
    """Leaves a broker that did not answer alone for a while, so that nobody's request waits for it."""

    PAUSE_SECONDS = 5.0

    def __init__(self) -> None:
        self._silent_until = 0.0
        self._is_failing = False

    def send(self, name: str, queue: str, kwargs: dict[str, int]) -> bool:
        """Hand one message over, or return False: it was not tried, or it failed."""
        now = monotonic()
        if now < self._silent_until:
            return False
        if self._is_failing:
            # Of many threads one tries, and the others do not wait with it.
            self._silent_until = now + self.PAUSE_SECONDS
        try:
            current_app.send_task(name, kwargs=kwargs, queue=queue, ignore_result=True, retry=False)
        except OperationalError as error:
            log.warning("queue.broker_silent", task=name, error=str(error))
            self._is_failing, self._silent_until = True, monotonic() + self.PAUSE_SECONDS
            return False
        self.trust()
        return True

    def trust(self) -> None:
        """Forget that it did not answer, as when it is another one."""
        self._is_failing, self._silent_until = False, 0.0


broker = Broker()


def send(name: str, queue: str, kwargs: dict[str, int]) -> bool:
    """Hand one message to the broker now. Losing it is harmless: the sweepers look at the rows."""
    return broker.send(name, queue, kwargs)

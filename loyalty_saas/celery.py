"""The Celery application. A message is a hint, the row decides (tenants.queue), so losing one is harmless."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.schedules import crontab
from django.conf import settings
from kombu import Connection, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_saas.settings.base")

APPS_WITH_TASKS = ["tenants", "crm", "rewards", "recommendations"]
_VISIBILITY_TIMEOUT_SECONDS = 3600

_ANSWER_SECONDS = 2


class Application(Celery):
    """Who sends gives a broker that says nothing as long as the options for Redis do."""

    def connection_for_write(self, url: str | None = None, *arguments: Any, **options: Any) -> Connection:
        """Connect as Celery does, with limits to each read and write of RabbitMQ's client.

        Workers, which read, have none: heartbeats tell them, and to declare their queues may take a while.
        """
        limits = {"read_timeout": _ANSWER_SECONDS, "write_timeout": _ANSWER_SECONDS}
        options["transport_options"] = limits | (options.get("transport_options") or {})
        options.setdefault("connect_timeout", _ANSWER_SECONDS)
        return super().connection_for_write(url, *arguments, **options)


app = Application("loyalty_saas")


def queue_names() -> list[str]:
    """Every queue a worker may listen to; `default` is cut into shards, so no tenant can fill all of it."""
    shards = [f"default.{shard}" for shard in range(settings.QUEUE_SHARDS)]
    return ["interactive", *shards, "ml", "webhooks"]


def configure(broker_url: str) -> None:
    """Point the application at a broker: Redis or Valkey, or RabbitMQ with quorum queues."""
    # RabbitMQ keeps a message on a majority of nodes only in a quorum queue.
    arguments = {"x-queue-type": "quorum"} if broker_url.startswith(("amqp", "pyamqp")) else None
    queues = [Queue(name, routing_key=name, queue_arguments=arguments) for name in queue_names()]
    app.conf.update(broker_url=broker_url, task_queues=queues)


def route(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any], **_task: Any
) -> dict[str, str] | None:
    """Send a tenant's task to the queue it was declared with, and there to the tenant's shard."""
    from tenants.queue import registry, shard_queue  # noqa: PLC0415 - needs the models

    queue = registry.queue_by_task.get(name)
    return None if queue is None else {"queue": shard_queue(queue, kwargs["tenant_id"])}


app.conf.update(
    broker_connection_retry_on_startup=True,
    # A worker of RabbitMQ misses it after two of these, and connects again.
    broker_heartbeat=30,
    broker_transport_options={
        # Redis and Valkey give back what a killed worker held after this time and not before. Nobody waits
        # for that: the row is found by the relay in seconds, by the sweeper of jobs after a minute.
        "visibility_timeout": _VISIBILITY_TIMEOUT_SECONDS,
        "queue_order_strategy": "round_robin",
        "socket_keepalive": True,
        # Who sends while the broker is away goes on at once; workers and beat come back anyway.
        "max_retries": 0,
        "socket_connect_timeout": _ANSWER_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
    },
    task_default_queue="interactive",
    task_routes=(route,),
    task_create_missing_queues=False,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # Below the visibility timeout: a task must never run on while the broker hands it to a second worker.
    task_time_limit=_VISIBILITY_TIMEOUT_SECONDS - 300,
    task_soft_time_limit=_VISIBILITY_TIMEOUT_SECONDS - 600,
    worker_prefetch_multiplier=1,
    # Nobody steers workers from afar. For that each has a queue of its own name, which RabbitMQ keeps locked
    # until it notices that the last of the name is gone; one that starts again before that would end at once.
    worker_enable_remote_control=False,
    worker_consumer="loyalty_saas.consumer:Consumer",
    # What runs goes on when the broker is lost: should its message come again, the row says that it runs.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    accept_content=["json"],
    task_serializer="json",
    # However many beats run, one sends.
    beat_scheduler="loyalty_saas.beat:SingleScheduler",
    timezone="UTC",
    enable_utc=True,
)
configure(settings.CELERY_BROKER_URL)

# Few static entries: what is due for which tenant is decided by the tasks, from rows.
app.conf.beat_schedule = {
    "relay-outbox": {"task": "tenants.relay_outbox", "schedule": 5.0, "options": {"expires": 5}},
    "sweep-jobs": {"task": "tenants.sweep_jobs", "schedule": 30.0, "options": {"expires": 30}},
    "segment-runs": {"task": "crm.start_segment_runs", "schedule": 30.0, "options": {"expires": 30}},
    "purge-sign-ups": {"task": "tenants.purge_sign_ups", "schedule": crontab(minute=50)},
    "nightly-jobs": {"task": "tenants.start_nightly_jobs", "schedule": crontab(minute=20)},
    "sweep-points": {"task": "rewards.sweep", "schedule": crontab(minute=10)},
    "release-points": {"task": "rewards.release_points", "schedule": 30.0, "options": {"expires": 30}},
    "release-coupons": {"task": "rewards.release_coupons", "schedule": 30.0, "options": {"expires": 30}},
    "retrain-models": {"task": "recommendations.retrain_due", "schedule": crontab(minute=40)},
    "event-partitions": {"task": "crm.ensure_event_partitions", "schedule": crontab(hour=1, minute=5)},
}


def register_tasks() -> None:
    """Import every app's `tasks`, so that any process can start a job and a worker can run it."""
    app.autodiscover_tasks(APPS_WITH_TASKS, force=True)
    for module in settings.JOB_MODULES:
        import_module(module)


@signals.setup_logging.connect
def keep_our_logging(**_options: Any) -> None:
    """Connected for its effect alone: with a receiver, Celery leaves Django's LOGGING as it is."""


@signals.worker_ready.connect
def leave_ready_note(**_sender: Any) -> None:
    """Tell the supervisor that this worker consumes; `celery inspect` is too slow and too flaky for that."""
    note = os.environ.get("WORKER_READY_NOTE")
    if note:
        Path(note).touch()

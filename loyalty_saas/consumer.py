"""Celery's consumer, made to outlive its broker."""

from __future__ import annotations

from typing import Any

from celery.worker import consumer


class Consumer(consumer.Consumer):
    """Puts nothing back to a broker that is gone.

    After a lost connection kombu 5.7 forgets the address and then wants to return unacknowledged messages
    there; Celery takes the AttributeError for the end of the worker. The rows bring the work back: see
    ``tenants.queue``.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        channel: Any = getattr(getattr(self, "task_consumer", None), "channel", None)
        if hasattr(channel, "do_restore"):
            channel.do_restore = False
        super().on_connection_error_after_connected(exc)

"""Celery's consumer, made to outlive its broker."""

from __future__ import annotations

from typing import Any

from celery.worker import consumer
from kombu.transport import virtual


class Consumer(consumer.Consumer):
    """Says nothing more to a broker that is gone.

    After a lost connection kombu 5.7 forgets the address, and then wants to return unacknowledged messages
    there and to acknowledge those whose tasks end later; Celery takes the AttributeError for the end of the
    worker. Messages that come again find rows that are done, or run: see ``tenants.queue``.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        channel = getattr(getattr(self, "task_consumer", None), "channel", None)
        if isinstance(channel, virtual.Channel):
            vars(channel).update(do_restore=False, basic_ack=_to_nobody, basic_reject=_to_nobody)
        super().on_connection_error_after_connected(exc)


def _to_nobody(_delivery_tag: str, **_options: Any) -> None:
    """Answer a message whose sender is gone."""

"""Celery's consumer, made to outlive its broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery.worker import consumer
from kombu.transport import virtual


class Consumer(consumer.Consumer):
    """Goes on when its broker is gone, in the middle of whatever was taken from it.

    Messages that come again find rows that are done, or run: see ``tenants.queue``.
    """

    def register_with_event_loop(self, hub: Any) -> None:
        """Let an answer that cannot be given free its place for the next message.

        Kombu 5.7 keeps the place. Once every place belongs to such a message the worker asks the broker for
        nothing more, hence never notices that it was away, and is deaf for good.
        """
        super().register_with_event_loop(hub)
        if channel := self._emulated_channel():
            answers = {name: _freeing_its_place(channel, name) for name in ("basic_ack", "basic_reject")}
            vars(channel).update(answers)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Say nothing more to a broker that is gone.

        After a lost connection kombu 5.7 forgets the address, and then wants to return unacknowledged
        messages there and to acknowledge those whose tasks end later; Celery takes the AttributeError for
        the end of the worker.
        """
        if channel := self._emulated_channel():
            vars(channel).update(do_restore=False, basic_ack=_to_nobody, basic_reject=_to_nobody)
        super().on_connection_error_after_connected(exc)

    def _emulated_channel(self) -> Any:
        """The channel of a broker that knows no acknowledgements of its own, once there is one."""
        channel = getattr(getattr(self, "task_consumer", None), "channel", None)
        return channel if isinstance(channel, virtual.Channel) else None


def _freeing_its_place(channel: Any, name: str) -> Callable[..., None]:
    """Return the channel's own method of that name; when it fails, the message counts no longer as held."""
    answer = getattr(channel, name)

    def answered(delivery_tag: str, **options: Any) -> None:
        try:
            answer(delivery_tag, **options)
        except channel.connection_errors:
            virtual.QoS.ack(channel.qos, delivery_tag)
            raise

    return answered


def _to_nobody(_delivery_tag: str, **_options: Any) -> None:
    """Answer a message whose sender is gone."""

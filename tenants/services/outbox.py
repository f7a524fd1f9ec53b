"""The outbox: publish with the change, act on it after the commit, at least once and by state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connections, transaction

from tenants.locks import lock_outbox_message
from tenants.models import OutboxMessage
from tenants.queue import enqueue, quiet_until, registry
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 10
# Seconds before the next attempt, by attempts made.
BACK_OFF_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 86400)


def publish(*, topic: str, payload: Any, at: datetime) -> OutboxMessage:
    """Write a message in the current transaction; it is delivered after the commit.

    In a block that keeps quiet only that block delivers it, until its time is over.
    """
    message: OutboxMessage = OutboxMessage.objects.create(
        topic=topic, payload=payload, available_at=quiet_until() or at, created_at=at
    )
    enqueue("tenants.deliver_outbox", queue="interactive", message_id=message.pk)
    return message


def join(*, topic: str, key: str, at: datetime) -> int:
    """Make one message of all that wait under a topic and carry a list under ``key``; returns how many went.

    For who records a whole day at once and delivers it: consumers of lists do the same for one long list.
    """
    waiting = OutboxMessage.objects.filter(
        topic=topic, state=OutboxMessage.State.PENDING, created_at__lte=at, attempts=0
    )
    messages = list(waiting.order_by("pk"))
    if not messages[1:]:
        return 0
    first, *rest = messages
    first.payload = {key: [each for message in messages for each in message.payload[key]]}
    first.save(update_fields=["payload"])
    OutboxMessage.objects.filter(pk__in=[message.pk for message in rest]).delete()
    return len(rest)


def settle_unheard(*, at: datetime) -> int:
    """Mark the waiting messages that nobody consumes as done, in one statement; returns how many."""
    waiting = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING, created_at__lte=at)
    unheard = waiting.exclude(
        topic__in=[topic for topic, heard in registry.consumers_by_topic.items() if heard]
    )
    return unheard.update(state=OutboxMessage.State.DONE, done_at=at)


def let_go(*, at: datetime) -> int:
    """Leave what is left of a quiet block's messages to the sweepers; returns how many."""
    held = OutboxMessage.objects.filter(
        state=OutboxMessage.State.PENDING, created_at__lte=at, available_at__gt=at, attempts=0
    )
    return held.update(available_at=at)


def deliver(*, tenant_id: int, message_id: int, at: datetime) -> bool:
    """Run the consumers of one message; return False when another worker has it or it is done."""
    with tenant_scope(tenant_id):
        message = lock_outbox_message(message_id)
        if message is None:
            return False
        try:
            with transaction.atomic():
                for consumer in registry.consumers_by_topic.get(message.topic, ()):
                    consumer(payload=message.payload, at=at)
        except Exception as error:
            log.exception("outbox.failed", topic=message.topic, message_id=message_id)
            _postpone(message, error, at)
            return False
        message.state = OutboxMessage.State.DONE
        message.done_at = at
        message.save(update_fields=["state", "done_at"])
    return True


def _postpone(message: OutboxMessage, error: Exception, at: datetime) -> None:
    message.attempts += 1
    message.last_error = f"{type(error).__name__}: {error}"[:2000]
    if message.attempts >= MAX_ATTEMPTS:
        message.state = OutboxMessage.State.DEAD
    else:
        message.available_at = at + timedelta(seconds=BACK_OFF_SECONDS[message.attempts - 1])
    message.save(update_fields=["attempts", "last_error", "state", "available_at"])


def relay(*, at: datetime, limit: int = 500) -> int:
    """Deliver what waits, of all tenants, oldest first. Selects by state, never by "id greater than last"."""
    with connections["platform"].cursor() as cursor:
        cursor.execute(
            """SELECT tenant_id, id FROM tenants_outboxmessage
               WHERE state = 'pending' AND available_at <= %s ORDER BY available_at, id LIMIT %s""",
            [at, limit],
        )
        waiting = cursor.fetchall()
    return sum(
        deliver(tenant_id=tenant_id, message_id=message_id, at=at) for tenant_id, message_id in waiting
    )

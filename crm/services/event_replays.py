"""Rejects sent again after a fix: of the schema, of the identity rules, or of the event itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from django.db import transaction
from django.db.models import QuerySet

from crm.domain import client_messages, events
from crm.domain.events import Invalid, NewEvent, flaw_of
from crm.locks import lock_event_rejects
from crm.models import Customer, EventReject
from crm.queries.survivors import survivor_of
from crm.services import event_effects, ingest
from crm.services.event_effects import EFFECT_SOURCE, StoredEvent
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.services import audit

_PAGE: Final = 500


@transaction.atomic
def replay(*, reject: EventReject, payload: Any = None, by: Actor, at: datetime) -> EventReject:
    """Send one reject again, as it came or as corrected; a reject that fails again says why now.

    Raises ``InvalidInput`` when it was sent already or the correction is not an object.
    """
    by.require(Permission.EVENTS_MANAGE)
    [locked] = lock_event_rejects([reject.pk])
    if locked.replayed_at is not None:
        raise InvalidInput("The event was sent again already.")
    if payload is not None and (not isinstance(payload, dict) or flaw_of(payload)):
        error = FieldError("/payload", "invalid", "An object without U+0000 and at most 16 levels deep.")
        raise InvalidInput(errors=[error])
    if payload is not None:
        locked.payload = payload
    _send_again([locked], by, at)
    audit.record(action="event.replayed", target=locked, by=by, at=at)
    return locked


@transaction.atomic
def replay_page(
    *, rejects: QuerySet[EventReject], after_id: int, by: Actor, at: datetime
) -> tuple[int, int, int]:
    """Send the next rejects after ``after_id`` again; return (last id, accepted, sent), sent 0 at the end.

    Each page is a transaction of its own: a job may stop between two, and starts again with what is left.
    """
    by.require(Permission.EVENTS_MANAGE)
    waiting = rejects.filter(replayed_at=None, pk__gt=after_id).order_by("pk")
    page = lock_event_rejects(list(waiting.values_list("pk", flat=True)[:_PAGE]))
    if not page:
        return after_id, 0, 0
    accepted = _send_again([each for each in page if each.replayed_at is None], by, at)
    return page[-1].pk, accepted, len(page)


def _send_again(rejects: list[EventReject], by: Actor, at: datetime) -> int:
    """Send events in again and apply effects again; return how many were accepted."""
    effects = [each for each in rejects if each.source == EFFECT_SOURCE]
    sent = [each for each in rejects if each.source != EFFECT_SOURCE]
    receipt = ingest.accept(batch=[_read(each, at) for each in sent], by=by, at=at, keeps_rejects=False)
    for reject, outcome in zip(sent, receipt.outcomes, strict=True):
        if outcome.status == "invalid":
            reject.reason, reject.detail = outcome.reason, outcome.detail[:500]
        else:
            reject.replayed_at = at
    for reject in effects:
        refused = event_effects.attempt(_stored(reject.payload), at=at)
        if refused:
            reject.reason, reject.detail = refused[0], refused[1][:500]
        else:
            reject.replayed_at = at
    accepted = sum(each.replayed_at is not None for each in rejects)
    EventReject.objects.bulk_update(rejects, ["payload", "reason", "detail", "replayed_at"])
    return accepted


def _stored(payload: dict[str, Any]) -> StoredEvent:
    customer = (
        Customer.objects.filter(public_id=payload["customer"]).first() if payload.get("customer") else None
    )
    return StoredEvent(
        message_id=payload["message_id"],
        occurred_at=datetime.fromisoformat(payload["occurred_at"]),
        name=payload["name"],
        customer=survivor_of(customer.pk) if customer else None,
        properties=payload.get("properties") or {},
    )


def _read(reject: EventReject, at: datetime) -> NewEvent | Invalid:
    if reject.source != "native":
        return client_messages.event_again(reject.payload, source=reject.source, at=at)
    [event] = events.decode(msgspec.json.encode({"events": [reject.payload]}), at=at)
    return event

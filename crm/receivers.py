"""What this app does about its own messages; one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from crm import signals
from crm.queries import feedback as feedback_queries
from crm.services import (
    customer_touches,
    duplicates,
    event_effects,
    event_schemas,
    feedback,
    identity_links,
    seen_dates,
)
from crm.signals import customers_merged, customers_unmerged
from tenants.queue import consumes


@consumes("crm.events_recorded")
def touch_customers(*, payload: Any, at: datetime) -> None:
    seen_dates.move(**payload["batch"])


@consumes("crm.events_recorded")
def note_customers(*, payload: Any, at: datetime) -> None:
    customer_touches.add_of_events(**payload["batch"])


@consumes("crm.consents_changed")
def note_consents(*, payload: Any, at: datetime) -> None:
    customer_touches.add(payload["customer_ids"], is_history=False)


@receiver(customers_merged)
@receiver(customers_unmerged)
def note_merged(*, survivor_id: int, absorbed_id: int, **_merge: Any) -> None:
    customer_touches.add([survivor_id, absorbed_id])


@receiver(signals.customer_erased)
def forget_feedback(*, customer_id: int, at: datetime, **_sent: Any) -> None:
    feedback.forget(customer_id=customer_id, at=at)


@receiver(signals.customer_exported)
def export_feedback(*, customer_id: int, **_sent: Any) -> dict[str, Any]:
    return {"feedback": feedback_queries.exported(customer_id)}


@consumes("crm.events_recorded")
def learn_schemas(*, payload: Any, at: datetime) -> None:
    event_schemas.learn(**payload["batch"], at=at)


@consumes("crm.events_recorded")
def apply_effects(*, payload: Any, at: datetime) -> None:
    event_effects.apply(**payload["batch"], at=at)


@consumes("crm.identities_linked")
def follow_links(*, payload: Any, at: datetime) -> None:
    identity_links.follow(links=payload["links"], at=at)


@consumes("crm.customers_changed")
def find_duplicates(*, payload: Any, at: datetime) -> None:
    duplicates.find(customer_ids=payload["customer_ids"], at=at)


@consumes("crm.customers_merged")
def settle_merged_pair(*, payload: Any, at: datetime) -> None:
    ids = {"survivor_id": payload["survivor_id"], "absorbed_id": payload["absorbed_id"]}
    duplicates.settle(**ids, is_merged=True, at=at)


@consumes("crm.customers_unmerged")
def settle_unmerged_pair(*, payload: Any, at: datetime) -> None:
    ids = {"survivor_id": payload["survivor_id"], "absorbed_id": payload["absorbed_id"]}
    duplicates.settle(**ids, is_merged=False, at=at)

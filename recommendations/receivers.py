"""What this app does about messages of the apps below; one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from crm.signals import customer_erased, customer_exported
from recommendations.queries import recommendations
from recommendations.services import feedback_reading, recommendation_lists
from tenants.queue import consumes


@consumes("crm.feedback_recorded")
def read_feedback(*, payload: Any, at: datetime) -> None:
    feedback_reading.read(feedback_ids=payload["feedback_ids"], at=at)


@receiver(customer_exported)
def export_lists(*, customer_id: int, **_sent: Any) -> dict[str, Any]:
    return {"recommendations": recommendations.exported(customer_id)}


@receiver(customer_erased)
def drop_lists(*, customer_id: int, **_sent: Any) -> None:
    recommendation_lists.drop(customer_id=customer_id)

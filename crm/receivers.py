"""What this app does about its own messages; one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm.services import customer_touches, seen_dates
from tenants.queue import consumes


@consumes("crm.events_recorded")
def touch_customers(*, payload: Any, at: datetime) -> None:
    seen_dates.move(**payload["batch"])


@consumes("crm.events_recorded")
def note_customers(*, payload: Any, at: datetime) -> None:
    customer_touches.add_of_events(**payload["batch"])

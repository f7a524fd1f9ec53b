"""What this app does about its own messages; one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm.services import seen_dates
from tenants.queue import consumes


@consumes("crm.events_recorded")
def touch_customers(*, payload: Any, at: datetime) -> None:
    seen_dates.move(**payload["batch"])

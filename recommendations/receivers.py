"""What this app does about messages of the apps below; one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from recommendations.services import feedback_reading
from tenants.queue import consumes


@consumes("crm.feedback_recorded")
def read_feedback(*, payload: Any, at: datetime) -> None:
    feedback_reading.read(feedback_ids=payload["feedback_ids"], at=at)

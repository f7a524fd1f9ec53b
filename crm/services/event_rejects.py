"""Events that were not accepted: kept as they came, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from crm.domain.events import Invalid, flaw_of
from crm.models import EventReject


def keep(invalid: Iterable[Invalid], *, at: datetime) -> None:
    """Keep what was not accepted; what PostgreSQL cannot store as JSON is kept as text."""
    EventReject.objects.bulk_create(
        [
            EventReject(
                received_at=at,
                message_id=each.message_id.replace("\0", ""),
                reason=each.reason,
                detail=each.detail[:500].replace("\0", ""),
                payload=_storable(each.payload),
            )
            for each in invalid
        ]
    )


def _storable(payload: Any) -> Any:
    is_kept_as_text = not isinstance(payload, dict | str) or flaw_of(payload)
    return msgspec.json.encode(payload).decode() if is_kept_as_text else payload

"""Moments in the document: with their offset, kept in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from rewards.domain.documents.reader import Reader

MOMENT_SCHEMA: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date-time"}


def read_moment(reader: Reader, name: str) -> datetime | None:
    """Read a moment, or ``None`` where there is none."""
    value = reader.peek(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        reader.refuse(name, "invalid_moment", "A moment with its offset is expected: 2026-05-01T00:00:00Z.")
        return None
    return moment.astimezone(UTC)

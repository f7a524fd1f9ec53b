"""Month partitions of the events, made ahead of time and backwards for late events and imports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.db import connection

MONTHS_AHEAD_DAYS = 92


def ensure(*, first: date, last: date) -> int:
    """Make the missing partitions for the months from ``first`` to ``last``; return how many were made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT crm_ensure_event_partitions(%s, %s)", [first, last])
        return int(cursor.fetchone()[0])


def ensure_months_of(moments: Iterable[datetime]) -> int:
    """Make the missing partitions for these moments; one look-up when none is missing."""
    months = sorted({moment.astimezone(UTC).strftime("%Y_%m") for moment in moments})
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT month FROM unnest(%s::text[]) month
               WHERE to_regclass('public.crm_event_' || month) IS NULL""",
            [months],
        )
        missing = [datetime.strptime(f"{row[0]}_01", "%Y_%m_%d").date() for row in cursor.fetchall()]  # noqa: DTZ007 - a date
    return sum(ensure(first=month, last=month) for month in missing)

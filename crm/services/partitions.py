"""Month partitions of the events: made ahead of time, before an import, or by night; never in a request."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db import connection

MONTHS_AHEAD_DAYS: Final = 92
# Empty months younger than this may be waiting for their first event.
OLD_DAYS: Final = 124
# A month with fewer stray events stays in the default partition; with more, an operator makes room first
# (`manage.py ensure_event_partitions`), because the move keeps readers out while it lasts.
LEAST_STRAY_ROWS: Final = 1_000
MOST_STRAY_ROWS: Final = 500_000
MOST_STRAY_MONTHS: Final = 12


def ensure(*, first: date, last: date) -> int:
    """Make the missing partitions for the months from ``first`` to ``last``; return how many were made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT crm_ensure_event_partitions(%s, %s)", [first, last])
        return int(cursor.fetchone()[0])


def move_strays(*, least_rows: int = LEAST_STRAY_ROWS, most_rows: int = MOST_STRAY_ROWS) -> int:
    """Give months that strayed into the default partition one of their own; return how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT crm_move_stray_events(%s, %s, %s)", [least_rows, most_rows, MOST_STRAY_MONTHS])
        return int(cursor.fetchone()[0])


def drop_empty(*, before: date) -> int:
    """Drop the months before ``before`` whose events every tenant has let go; return how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT crm_drop_empty_event_partitions(%s)", [before])
        return int(cursor.fetchone()[0])

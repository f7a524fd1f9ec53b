"""What budgets paid for the points of challenges, read from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any, Final

from django.db import connection

from rewards.domain.decisions import Spent
from rewards.domain.expiry import start_of_day
from rewards.queries import programs
from tenants.scope import active_tenant, active_tenant_id

_GIVEN: Final = """
    SELECT t.revision_id, split_part(t.source_id, ':', 1), w.key, t.points,
           (t.posted_at AT TIME ZONE %(zone)s)::date, COUNT(*)
    FROM rewards_ledgertransaction t
    JOIN rewards_account a ON a.tenant_id = %(tenant)s AND a.id = t.account_id
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = a.wallet_id
    WHERE t.tenant_id = %(tenant)s AND t.source_type = 'challenge' AND t.kind = 'earn'
      AND (%(since)s::timestamptz IS NULL OR t.posted_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR t.posted_at < %(until)s)
    GROUP BY 1, 2, 3, 4, 5
"""


def between(
    since: datetime | None, until: datetime | None, zone: tzinfo
) -> Iterator[tuple[datetime, str, Spent]]:
    """Yield (moment of the local day, budget, what it paid) of gifts posted in a span; ``None`` is no end."""
    timeline = programs.timeline()
    by_id = {each.id: each.revision for each in timeline.revisions} if timeline else {}
    budgets = {
        (number, challenge.key): challenge.budget
        for number, revision in by_id.items()
        for challenge in revision.challenges
        if challenge.budget
    }
    if not budgets:
        return
    parameters: dict[str, Any] = {
        "tenant": active_tenant_id(), "zone": active_tenant().time_zone, "since": since, "until": until,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, parameters)
        rows = cursor.fetchall()
    for number, challenge, wallet, points, day, times in rows:
        budget = budgets.get((number, challenge))
        if budget is not None:
            money = by_id[number].wallet(wallet).cost_minor(points)
            yield start_of_day(day, zone), budget, Spent(points * times, money * times)

"""A customer's sentiment and how it changed, as computed traits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import connection

from crm.domain.feedback import sentiment_traits
from crm.services import traits
from tenants.scope import active_tenant_id

LEVEL, CHANGE = "sentiment", "sentiment_change"
ORIGIN = "feedback"
# Older opinions would weigh less than a thirtieth.
_OPINIONS = 10

_SCORES = """
SELECT newest.customer_id, newest.score FROM unnest(%s::bigint[]) AS asked(customer_id)
CROSS JOIN LATERAL (
    SELECT f.customer_id, f.occurred_at, f.id,
           CASE WHEN f.corrected IS NULL THEN f.sentiment WHEN f.corrected THEN 1 ELSE -1 END AS score
    FROM crm_feedback f
    WHERE f.tenant_id = %s AND f.customer_id = asked.customer_id
      AND (f.corrected IS NOT NULL OR f.sentiment IS NOT NULL)
    ORDER BY f.occurred_at DESC, f.id DESC LIMIT %s
) newest
ORDER BY newest.customer_id, newest.occurred_at DESC, newest.id DESC
"""


def refresh(customer_ids: Collection[int], *, at: datetime) -> None:
    """Write both traits of these customers from their newest ten opinions; without opinions they go."""
    if not customer_ids:
        return
    scores: dict[int, list[float]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_SCORES, [sorted(customer_ids), active_tenant_id(), _OPINIONS])
        for customer_id, score in cursor.fetchall():
            scores[customer_id].append(float(score))
    found = {customer_id: sentiment_traits(each) for customer_id, each in scores.items()}
    levels = {customer_id: level for customer_id, (level, _change) in found.items()}
    changes = {customer_id: change for customer_id, (_level, change) in found.items() if change is not None}
    traits.write_many(name=LEVEL, values=levels, model_version=ORIGIN, at=at)
    traits.write_many(name=CHANGE, values=changes, model_version=ORIGIN, at=at)
    for name, values in ((LEVEL, levels), (CHANGE, changes)):
        traits.drop(name=name, customer_ids=[each for each in customer_ids if each not in values])

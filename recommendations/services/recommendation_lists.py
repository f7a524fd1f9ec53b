"""Replacing the stored lists of a tenant."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from recommendations.models import ModelVersion, RecommendationList
from tenants.scope import active_tenant_id


@dataclass(frozen=True, slots=True)
class StoredList:
    """A customer's list for one slot; the three sequences run in parallel."""

    customer_id: int
    slot: str
    item_ids: list[int]
    scores: list[float]
    reasons: list[dict[str, Any]]


@transaction.atomic
def replace_all(*, lists: Iterable[StoredList], model_version: ModelVersion, at: datetime) -> int:
    """Write all lists of a version and drop those of customers it has none for; return how many were written.

    COPY cannot write to a table under row-level security, hence the temporary table. Customers who left or
    withdrew their consent since the training read them are left out by the join.
    """
    keys: dict[str, Any] = {"tenant": active_tenant_id(), "version": model_version.pk, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TEMPORARY TABLE recommendation_lists_loaded
               (customer_id bigint, slot text, item_ids bigint[], scores double precision[], reasons jsonb)
               ON COMMIT DROP"""
        )
        database_cursor: Any = cursor.cursor
        with database_cursor.copy("COPY recommendation_lists_loaded FROM STDIN") as copy:
            for entry in lists:
                copy.write_row(
                    (
                        entry.customer_id,
                        entry.slot,
                        entry.item_ids,
                        entry.scores,
                        json.dumps(entry.reasons, separators=(",", ":")),
                    )
                )
        cursor.execute(
            """INSERT INTO recommendations_recommendationlist
                      (tenant_id, customer_id, slot, model_version_id, item_ids, scores, reasons, computed_at)
               SELECT %(tenant)s, n.customer_id, n.slot, %(version)s, n.item_ids, n.scores, n.reasons, %(at)s
                 FROM recommendation_lists_loaded n
                 JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = n.customer_id
                WHERE c.may_profile AND c.state = 'active'
               ON CONFLICT (tenant_id, customer_id, slot) DO UPDATE
                  SET model_version_id = EXCLUDED.model_version_id, item_ids = EXCLUDED.item_ids,
                      scores = EXCLUDED.scores, reasons = EXCLUDED.reasons,
                      computed_at = EXCLUDED.computed_at""",
            keys,
        )
        written = cursor.rowcount
        cursor.execute(
            """DELETE FROM recommendations_recommendationlist
                WHERE tenant_id = %(tenant)s AND model_version_id <> %(version)s""",
            keys,
        )
        cursor.execute("DROP TABLE recommendation_lists_loaded")
    return int(written)


def drop(*, customer_id: int) -> int:
    """Remove the lists of one customer who is erased; return how many."""
    removed, _by_model = RecommendationList.objects.filter(customer_id=customer_id).delete()
    return removed

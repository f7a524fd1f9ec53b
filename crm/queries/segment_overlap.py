"""What segments share, from a sample of the larger ones."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from crm.models import Segment
from tenants.scope import active_tenant_id

SAMPLE = 5_000
# Every so many customers' ids, so that a sample costs what its size costs.
_SHARED = """
WITH sampled AS MATERIALIZED (
    SELECT customer_id FROM crm_segmentmember
    WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s AND hashint8(customer_id) %% %(every)s = 0
)
SELECT m.segment_id, count(*)::float8 / (SELECT count(*) FROM sampled) AS share
FROM sampled JOIN crm_segmentmember m ON m.tenant_id = %(tenant)s AND m.customer_id = sampled.customer_id
WHERE m.segment_id <> %(segment)s GROUP BY m.segment_id
"""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another segment, and which share of this one's members are in it too."""

    segment: Segment
    share: float

    @property
    def percent(self) -> int:
        return round(100 * self.share)


def with_others(segment: Segment, *, most: int = 10) -> list[Overlap]:
    """Return the other segments with the largest share of this one's members."""
    params = {
        "tenant": active_tenant_id(),
        "segment": segment.pk,
        "every": max(1, segment.member_count // SAMPLE),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, params)
        share_by_id = dict(cursor.fetchall())
    found = [Overlap(each, share_by_id[each.pk]) for each in Segment.objects.filter(pk__in=share_by_id)]
    return sorted(found, key=lambda each: (-each.share, each.segment.name))[:most]

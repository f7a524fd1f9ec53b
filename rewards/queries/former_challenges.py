"""Challenges that the program had and has no more, for what they have counted and can still lose."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from django.db import connection

from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.matching import ORDER, OrderFacts
from rewards.domain.programs import Revision
from rewards.models import ChallengeContribution, ProgramRevision
from rewards.queries.compiled_revisions import revision_of
from tenants.scope import active_tenant_id

_LAST_SAID: Final = """
    SELECT DISTINCT ON (challenge ->> 'key') challenge ->> 'key', r.id
    FROM rewards_programrevision r
    CROSS JOIN LATERAL jsonb_array_elements(COALESCE(r.document -> 'challenges', '[]')) AS challenge
    WHERE r.tenant_id = %(tenant)s AND r.published_at IS NOT NULL
      AND challenge ->> 'key' = ANY(%(keys)s)
    ORDER BY challenge ->> 'key', r.published_at DESC, r.number DESC
"""


def counted(orders: Collection[OrderFacts], revision: Revision) -> dict[str, Challenge]:
    """Return the challenges that orders counted for and ``revision`` drops, as they were in force last."""
    if not orders:
        return {}
    rows = ChallengeContribution.objects.filter(
        customer_id__in={order.customer_id for order in orders},
        source_type=ORDER,
        source_id__in=[str(order.id) for order in orders],
    ).exclude(challenge_key__in=[challenge.key for challenge in revision.challenges])
    keys = list(rows.values_list("challenge_key", flat=True).distinct())
    return _as_last_published(keys) if keys else {}


def _as_last_published(keys: Sequence[str]) -> dict[str, Challenge]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_SAID, {"tenant": active_tenant_id(), "keys": list(keys)})
        revision_by_key: Mapping[str, int] = dict(cursor.fetchall())
    said = {
        row.pk: {challenge.key: challenge for challenge in revision_of(row).challenges}
        for row in ProgramRevision.objects.filter(pk__in=set(revision_by_key.values()))
    }
    return {key: said[row_id][key] for key, row_id in revision_by_key.items()}

"""Who takes part in which challenges, and what their progress is read from; a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from crm.models import SegmentMember
from crm.queries import segment_matches
from rewards.domain.challenges.changes import Grant, Kept
from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.participation import Audiences, Pair
from rewards.domain.challenges.periods import LATEST, Span
from rewards.domain.challenges.transitions import ProgressState, Stored
from rewards.models import ChallengeContribution, ChallengeParticipation, ChallengeProgress, TierMembership
from tenants.scope import active_tenant_id

_LIVE_SINCE = """
    SELECT challenge ->> 'key', MIN(r.published_at)
    FROM rewards_programrevision r
    CROSS JOIN LATERAL jsonb_array_elements(COALESCE(r.document -> 'challenges', '[]')) AS challenge
    WHERE r.tenant_id = %(tenant)s AND r.published_at IS NOT NULL GROUP BY 1
"""
_JOINED = """
    SELECT id, COALESCE(member_since, created_at) FROM crm_customer
    WHERE tenant_id = %(tenant)s AND id = ANY(%(customers)s)
"""
_CONTRIBUTIONS = """
    SELECT c.customer_id, c.challenge_key, c.part, c.source_type, c.source_id, c.value, c.amount,
           c.occurred_at
    FROM unnest(%(customers)s::bigint[], %(keys)s::text[], %(since)s::timestamptz[])
        AS asked(customer_id, challenge_key, since)
    JOIN rewards_challengecontribution c ON c.tenant_id = %(tenant)s AND c.customer_id = asked.customer_id
        AND c.challenge_key = asked.challenge_key COLLATE "C" AND c.occurred_at >= asked.since
"""


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def live_since() -> dict[str, datetime]:
    """Return when each challenge was first published: what happened before does not count by itself."""
    return dict(_rows(_LIVE_SINCE))


def joined_at(customer_ids: Collection[int]) -> dict[int, datetime]:
    """Return since when customers are members (or known, where nobody said)."""
    return dict(_rows(_JOINED, customers=list(customer_ids)))


def participations(
    customer_ids: Collection[int], keys: Collection[str]
) -> dict[Pair, ChallengeParticipation]:
    """Return who takes part already."""
    rows = ChallengeParticipation.objects.filter(
        customer_id__in=list(customer_ids), challenge_key__in=list(keys)
    )
    return {Pair(row.customer_id, row.challenge_key): row for row in rows}


def audiences(customer_ids: Collection[int], challenges: Sequence[Challenge], *, at: datetime) -> Audiences:
    """Return what the audiences of ``challenges`` depend on; no query where none does.

    Where leaving a segment makes a challenge wait, who does not match its rule any more has left: what a
    customer takes back, such as a consent, holds before the segment's next refresh.
    """
    segments = {challenge.audience.segment for challenge in challenges} - {""}
    customers_by_segment: dict[str, set[int]] = defaultdict(set)
    if segments:
        members = SegmentMember.objects.filter(
            customer_id__in=list(customer_ids), segment__key__in=list(segments)
        )
        for key, customer_id in members.values_list("segment__key", "customer_id"):
            customers_by_segment[key].add(customer_id)
        left_at_once = {challenge.audience.segment for challenge in challenges if challenge.pauses} - {""}
        for key, matched in segment_matches.matching(left_at_once, customer_ids, at=at).items():
            customers_by_segment[key] &= matched
    tiers: dict[int, str] = {}
    if any(challenge.audience.tiers for challenge in challenges):
        rows = TierMembership.objects.filter(customer_id__in=list(customer_ids))
        tiers = dict(rows.values_list("customer_id", "tier_key"))
    return Audiences({key: frozenset(found) for key, found in customers_by_segment.items()}, tiers)


def contributions(since_by_pair: Mapping[Pair, datetime]) -> dict[Pair, list[Contribution]]:
    """Return what counts for each pair, from the moment given for it."""
    found: dict[Pair, list[Contribution]] = {pair: [] for pair in since_by_pair}
    if not found:
        return found
    rows = _rows(
        _CONTRIBUTIONS,
        customers=[pair.customer_id for pair in since_by_pair],
        keys=[pair.challenge_key for pair in since_by_pair],
        since=list(since_by_pair.values()),
    )
    for customer_id, key, *values in rows:
        found[Pair(customer_id, key)].append(Contribution(*values))
    return found


def counted_sources(wanted: Collection[tuple[Pair, str]]) -> set[tuple[Pair, str]]:
    """Return which of these documents have counted for their pairs before."""
    if not wanted:
        return set()
    rows = ChallengeContribution.objects.filter(
        customer_id__in={pair.customer_id for pair, _source in wanted},
        challenge_key__in={pair.challenge_key for pair, _source in wanted},
        source_id__in={source for _pair, source in wanted},
    )
    found = rows.values_list("customer_id", "challenge_key", "source_id").distinct()
    return {(Pair(customer_id, key), source) for customer_id, key, source in found} & set(wanted)


def progress(since_by_pair: Mapping[Pair, datetime]) -> dict[Pair, dict[str, Kept]]:
    """Return the stored periods of each pair that end after the moment given for it, by their label."""
    found: dict[Pair, dict[str, Kept]] = defaultdict(dict)
    rows = ChallengeProgress.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=min(since_by_pair.values())),
        customer_id__in={pair.customer_id for pair in since_by_pair},
        challenge_key__in={pair.challenge_key for pair in since_by_pair},
    )
    for row in rows:
        pair = Pair(row.customer_id, row.challenge_key)
        if pair in since_by_pair and (row.ends_at is None or row.ends_at > since_by_pair[pair]):
            found[pair][row.period] = kept(row)
    return found


def kept(row: ChallengeProgress) -> Kept:
    """Return a stored period as it is kept."""
    state, milestones = ProgressState(row.state), frozenset(row.milestones)
    return Kept(
        stored=Stored(state, row.target, row.completed_at, milestones, row.round),
        span=Span(row.starts_at, row.ends_at or LATEST),
        value=row.value,
        value_by_task=row.value_by_task,
        grants=tuple(Grant(**grant) for grant in row.grants),
        rewarded_at=row.rewarded_at,
    )

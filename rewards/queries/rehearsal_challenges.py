"""The challenges with which a rehearsal begins: who took part, and what had counted and was given by then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from django.db import connection

from crm.models import Customer, CustomerState, SegmentMember
from rewards.domain.challenges.definition import Challenge, WindowKind
from rewards.domain.challenges.history import Written
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.participation import Pair
from rewards.domain.past import OPTED, Opted
from rewards.models import ChallengeProgress
from rewards.queries import challenge_members
from rewards.queries.rehearsal_rows import rows
from tenants.scope import active_tenant_id

_PAGE: Final = 10_000
_TYPE: Final = "rewards.challengeparticipation"
_IN, _OUT = "challenge.opted_in", "challenge.opted_out"
# When members asked or left is told by the audit log; the row itself only knows what holds now.
_ASKED: Final = """
    SELECT a.at, a.id, p.customer_id, p.challenge_key, a.action = %(opted_in)s
    FROM tenants_auditentry a
    JOIN rewards_challengeparticipation p ON p.tenant_id = %(tenant)s AND p.id = a.target_id::bigint
    WHERE a.tenant_id = %(tenant)s AND a.target_type = %(type)s AND a.action IN (%(opted_in)s, %(opted_out)s)
      AND a.at >= %(since)s AND a.at < %(until)s
    ORDER BY a.at, a.id
"""
_PARTICIPATIONS: Final = """
    SELECT p.customer_id, p.challenge_key, p.joined_at,
           COALESCE((
               SELECT a.action = %(opted_out)s FROM tenants_auditentry a
               WHERE a.tenant_id = %(tenant)s AND a.target_type = %(type)s AND a.target_id = p.id::text
                 AND a.action IN (%(opted_in)s, %(opted_out)s) AND a.at >= %(since)s
               ORDER BY a.at, a.id LIMIT 1), p.is_opted_in),
           p.touched_at < %(since)s
    FROM rewards_challengeparticipation p
    WHERE p.tenant_id = %(tenant)s AND p.challenge_key = ANY(%(keys)s)
"""
_CONTRIBUTIONS: Final = """
    SELECT c.customer_id, c.challenge_key, c.part, c.source_type, c.source_id, c.value, c.amount,
           c.occurred_at
    FROM unnest(%(keys)s::text[], %(first)s::timestamptz[]) AS asked(key, first)
    JOIN rewards_challengecontribution c
        ON c.tenant_id = %(tenant)s AND c.challenge_key = asked.key COLLATE "C"
    WHERE c.occurred_at < %(since)s
      AND (c.occurred_at >= asked.first OR %(apart)s::bigint[] IS NULL OR c.customer_id = ANY(%(apart)s))
    ORDER BY c.customer_id, c.challenge_key
"""
_GIVEN: Final = """
    SELECT t.source_id, t.id FROM rewards_ledgertransaction t
    JOIN rewards_account a ON a.tenant_id = %(tenant)s AND a.id = t.account_id
    WHERE t.tenant_id = %(tenant)s AND t.source_type = 'challenge' AND t.posted_at < %(since)s
      AND (%(apart)s::bigint[] IS NULL OR a.customer_id = ANY(%(apart)s))
"""
_COMPLETIONS: Final = """
    SELECT challenge_key, COUNT(*) FROM rewards_challengeprogress
    WHERE tenant_id = %(tenant)s AND challenge_key = ANY(%(keys)s) AND completed_at < %(since)s GROUP BY 1
"""
_MEMBERS_SINCE: Final = """
    SELECT id, COALESCE(member_since, created_at) FROM crm_customer WHERE tenant_id = %(tenant)s
"""


class Participation(NamedTuple):
    """Who took part; where nobody needs to ask, it is only known of those ``was_counted`` before."""

    joined_at: datetime
    is_opted_in: bool
    was_counted: bool


def participations(keys: Collection[str], since: datetime) -> dict[Pair, Participation]:
    """Return who took part, and had asked to, the moment before."""
    found = rows(_PARTICIPATIONS, keys=list(keys), since=since, type=_TYPE, opted_in=_IN, opted_out=_OUT)
    return {Pair(customer_id, key): Participation(*values) for customer_id, key, *values in found}


def asked(since: datetime, until: datetime) -> list[Opted]:
    """Return who asked to take part, or left, in a span."""
    found = rows(_ASKED, since=since, until=until, type=_TYPE, opted_in=_IN, opted_out=_OUT)
    return [
        Opted(at, OPTED, number, customer_id, key, is_in) for at, number, customer_id, key, is_in in found
    ]


def counted(
    first_by_key: Mapping[str, datetime], since: datetime, apart: Collection[int] | None
) -> Iterator[tuple[Pair, list[Contribution]]]:
    """Yield what had counted before, by pair: from the moment given on, everything of those ``apart``."""
    found = _stream(
        _CONTRIBUTIONS, keys=list(first_by_key), first=list(first_by_key.values()), since=since,
        apart=None if apart is None else list(apart),
    )  # fmt: skip
    for (customer_id, key), group in groupby(found, key=itemgetter(0, 1)):
        yield Pair(customer_id, key), [Contribution(*values) for _customer, _key, *values in group]


def written(
    keys: Collection[str], since: datetime, apart: Collection[int] | None, entire: Collection[str]
) -> dict[Pair, dict[str, Written]]:
    """Return the stored periods that can still matter: all of those ``apart`` and of ``entire`` ones."""
    found: dict[Pair, dict[str, Written]] = defaultdict(dict)
    periods = ChallengeProgress.objects.filter(challenge_key__in=list(keys))
    for row in periods.iterator(chunk_size=_PAGE):
        is_apart = apart is None or row.customer_id in apart or row.challenge_key in entire
        if is_apart or row.ends_at is None or row.ends_at > since:
            pair = Pair(row.customer_id, row.challenge_key)
            found[pair][row.period] = Written(challenge_members.kept(row), row.updated_at)
    return found


def given(since: datetime, apart: Collection[int] | None) -> dict[str, int]:
    """Return the postings of points that challenges had given those ``apart``, by their source."""
    found = rows(_GIVEN, since=since, apart=None if apart is None else list(apart))
    return dict(found)


def completions(keys: Collection[str], since: datetime) -> dict[str, int]:
    """Return how often each challenge had been completed."""
    return dict(rows(_COMPLETIONS, keys=list(keys), since=since))


def segments(challenges: Sequence[Challenge]) -> dict[str, frozenset[int]]:
    """Return the members of today of the segments that audiences name."""
    keys = {each.audience.segment for each in challenges} - {""}
    found: dict[str, set[int]] = {key: set() for key in keys}
    members = SegmentMember.objects.filter(segment__key__in=list(keys))
    for key, customer_id in members.values_list("segment__key", "customer_id").iterator(chunk_size=_PAGE):
        found[key].add(customer_id)
    return {key: frozenset(each) for key, each in found.items()}


def inactive() -> frozenset[int]:
    """Return the customers for whom nothing counts, as of today."""
    found = Customer.objects.exclude(state=CustomerState.ACTIVE)
    return frozenset(found.values_list("pk", flat=True))


def members_since(challenges: Sequence[Challenge]) -> dict[int, datetime]:
    """Return since when people are members, where the window of a challenge for everybody asks."""
    asks = any(each.window.kind is WindowKind.SINCE_JOINING and not each.needs_opt_in for each in challenges)
    return dict(rows(_MEMBERS_SINCE)) if asks else {}


def _stream(statement: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        while page := cursor.fetchmany(_PAGE):
            yield from page

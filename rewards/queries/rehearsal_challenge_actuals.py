"""What really came of challenges in some days, beside a rehearsal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.periods import EARLIEST
from rewards.domain.challenges.progress import standings
from rewards.domain.challenges.walks import Member
from rewards.domain.engine import Engine
from rewards.domain.rehearsed_challenges import ActualChallenge
from rewards.queries import challenge_members, rehearsal_challenges
from tenants.scope import active_tenant_id

# Whoever owns a merged account now is whose events are played.
_POINTS: Final = """
    WITH RECURSIVE owner AS (
        SELECT a.id, a.wallet_id, a.customer_id, a.moved_to_id FROM rewards_account a
        WHERE a.tenant_id = %(tenant)s
        UNION ALL
        SELECT o.id, o.wallet_id, h.customer_id, h.moved_to_id FROM owner o
        JOIN rewards_account h ON h.tenant_id = %(tenant)s AND h.id = o.moved_to_id
    )
    SELECT o.customer_id, split_part(t.source_id, ':', 1), w.key,
           COALESCE(SUM(t.points) FILTER (WHERE t.points > 0), 0)::bigint,
           COALESCE(-SUM(t.points) FILTER (WHERE t.points < 0), 0)::bigint
    FROM rewards_ledgertransaction t
    JOIN owner o ON o.id = t.account_id AND o.moved_to_id IS NULL
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = o.wallet_id
    WHERE t.tenant_id = %(tenant)s AND t.source_type IN ('challenge', 'challenge_taken_back')
      AND t.occurred_at >= %(since)s AND t.occurred_at < %(until)s
    GROUP BY 1, 2, 3
"""
_MEMBERS: Final = """
    SELECT challenge_key, COUNT(DISTINCT customer_id) FROM rewards_challengecontribution
    WHERE tenant_id = %(tenant)s AND occurred_at >= %(since)s AND occurred_at < %(until)s GROUP BY 1
"""
_COMPLETIONS: Final = """
    SELECT challenge_key, COUNT(*) FROM rewards_challengeprogress
    WHERE tenant_id = %(tenant)s AND completed_at >= %(since)s AND completed_at < %(until)s GROUP BY 1
"""


class Given(NamedTuple):
    """Points that one challenge gave a member in a wallet, and took back."""

    customer_id: int
    challenge: str
    wallet: str
    given: int
    taken: int


def points(since: datetime, until: datetime) -> list[Given]:
    """Return the points of challenges that moved in a span."""
    return [Given(*row) for row in _rows(_POINTS, since=since, until=until)]


def of_challenges(
    live: Engine | None, moved: list[Given], since: datetime, until: datetime
) -> dict[str, ActualChallenge]:
    """Return what came of each challenge in a span."""
    found: dict[str, ActualChallenge] = defaultdict(ActualChallenge)
    for key, members in _rows(_MEMBERS, since=since, until=until):
        found[key].members = members
    for key, completions in _rows(_COMPLETIONS, since=since, until=until):
        found[key].completions = completions
    for each in moved:
        by_wallet = found[each.challenge].points
        by_wallet[each.wallet] = by_wallet.get(each.wallet, 0) + each.given - each.taken
    for key, live_from in challenge_members.live_since().items():
        found[key].is_later = live_from > since
    if live is not None:
        for key, milestones in _milestones(live, since, until):
            found[key].milestones = milestones
    return found


def _milestones(live: Engine, since: datetime, until: datetime) -> Iterator[tuple[str, int]]:
    """Yield how many milestones were reached, read from what has counted: nobody stores when that was."""
    challenges = {each.key: each for each in live.revision.challenges if each.milestones}
    if not challenges:
        return
    live_since, zone = challenge_members.live_since(), live.revision.time_zone
    there = rehearsal_challenges.participations(challenges, until)
    reached = dict.fromkeys(challenges, 0)
    for pair, counted in rehearsal_challenges.counted(dict.fromkeys(challenges, EARLIEST), until, ()):
        row = there.get(pair)
        if row is not None:
            key = pair.challenge_key
            member = Member(row.joined_at, live_since.get(key, since), zone, until)
            reached[key] += _reached_in(challenges[key], counted, member, since)
    yield from reached.items()


def _reached_in(challenge: Challenge, counted: Any, member: Member, since: datetime) -> int:
    moments: list[Mapping[int, datetime]] = [
        each.reached_at_by_milestone for each in standings(challenge, counted, member)
    ]
    return sum(moment >= since for each in moments for moment in each.values())


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows

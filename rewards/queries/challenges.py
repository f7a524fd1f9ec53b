"""Challenges as a member sees them, and how far everybody is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.db import connection

from crm.models import Customer, CustomerState
from rewards.domain.challenges.changes import Kept
from rewards.domain.challenges.definition import Challenge, Part
from rewards.domain.challenges.participation import Involvement, Pair, involvement
from rewards.domain.challenges.periods import EARLIEST, LATEST
from rewards.domain.challenges.progress import current_period, standings
from rewards.domain.challenges.transitions import ProgressState
from rewards.domain.challenges.walks import Member, Standing
from rewards.models import ChallengeParticipation
from rewards.queries import challenge_members, programs
from tenants.scope import active_tenant_id

NOT_STARTED: Final = "not_started"
_FUNNEL: Final = """
    SELECT keys.key,
           (SELECT COUNT(*) FROM rewards_challengeparticipation p
            WHERE p.tenant_id = %(tenant)s AND p.challenge_key = keys.key COLLATE "C"),
           COUNT(DISTINCT c.customer_id), COUNT(DISTINCT c.customer_id) FILTER (WHERE c.value > 0),
           COUNT(DISTINCT c.customer_id) FILTER (WHERE c.completed_at IS NOT NULL),
           COUNT(c.completed_at), COUNT(*) FILTER (WHERE c.state = 'expired')
    FROM unnest(%(keys)s::text[]) AS keys(key)
    LEFT JOIN rewards_challengeprogress c
        ON c.tenant_id = %(tenant)s AND c.challenge_key = keys.key COLLATE "C"
    GROUP BY keys.key
"""
_SPREAD: Final = """
    SELECT LEAST(FLOOR(10.0 * value / target), 10)::int, COUNT(*)
    FROM rewards_challengeprogress
    WHERE tenant_id = %(tenant)s AND challenge_key = %(key)s AND state <> 'expired' AND target > 0
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class ChallengeStatus:
    """One challenge of the program for one customer, in the period of the moment.

    ``withheld_points`` were due in that period and not in the challenge's budget.
    """

    challenge: Challenge
    state: str
    value: int
    target: int
    period: str
    starts_at: datetime
    ends_at: datetime | None
    completed_at: datetime | None
    completions: int
    is_joined: bool
    may_join: bool
    is_paused: bool = False
    milestones_reached: tuple[int, ...] = ()
    value_by_task: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    withheld_points: int = 0

    @property
    def parts(self) -> tuple[tuple[Part, int], ...]:
        """Each task or step with how far it is."""
        return tuple((part, self.value_by_task.get(part.key, 0)) for part in self.challenge.parts)

    @property
    def share(self) -> int:
        """Percent of the goal."""
        return min(100, 100 * self.value // self.target) if self.target else 0


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many customers a challenge has at each step, and its completions of all periods."""

    joined: int = 0
    counted: int = 0
    in_progress: int = 0
    completed: int = 0
    completions: int = 0
    expired_periods: int = 0


def of_customer(customer: Customer, *, at: datetime) -> list[ChallengeStatus]:
    """Return the challenges offered to a customer, exact as of ``at``; the number of queries is constant."""
    published = programs.published()
    challenges = published.revision.challenges if published else ()
    if published is None or not challenges:
        return []
    keys = [challenge.key for challenge in challenges]
    joined = challenge_members.participations([customer.pk], keys)
    audiences = challenge_members.audiences([customer.pk], challenges, at=at)
    offered = [
        challenge
        for challenge in challenges
        if Pair(customer.pk, challenge.key) in joined or audiences.admits(challenge, customer.pk)
    ]
    if not offered:
        return []
    since = {Pair(customer.pk, challenge.key): EARLIEST for challenge in offered}
    counted, stored = challenge_members.contributions(since), challenge_members.progress(since)
    live_since = challenge_members.live_since()
    member_since = challenge_members.joined_at([customer.pk])[customer.pk]
    is_active = customer.state == CustomerState.ACTIVE
    found = []
    for challenge in offered:
        pair = Pair(customer.pk, challenge.key)
        kept, row = stored.get(pair, {}), joined.get(pair)
        member = Member(
            joined_at=row.joined_at if row else (at if challenge.needs_opt_in else member_since),
            live_from=live_since.get(challenge.key, at),
            zone=published.revision.time_zone,
            at=at,
            known={period: each.known for period, each in kept.items()},
        )
        standing = _current(challenge, standings(challenge, counted[pair], member), member)
        status = _status(challenge, standing, kept, row, is_active=is_active, at=at)
        part = involvement(challenge, audiences, customer.pk, is_opted_in=row.is_opted_in if row else None)
        found.append(replace(status, is_paused=part is Involvement.WAITS))
    return found


def _current(challenge: Challenge, found: Sequence[Standing], member: Member) -> Standing:
    """Return the standing of now: of the calendar period, or the latest round."""
    period = current_period(challenge, member)
    same = [standing for standing in found if standing.period == period.label]
    if challenge.recurrence == "on_completion" and found:
        same = [found[-1]]
    return same[0] if same else Standing(period.label, period.span, 0, challenge.goal.target)


def _status(
    challenge: Challenge,
    standing: Standing,
    kept: Mapping[str, Kept],
    participation: ChallengeParticipation | None,
    *,
    is_active: bool,
    at: datetime,
) -> ChallengeStatus:
    now = kept.get(standing.period)
    is_over = standing.span.ends_at <= at
    is_joined = participation is not None and (participation.is_opted_in or not challenge.needs_opt_in)
    state = _state(now, standing, is_over=is_over)
    return ChallengeStatus(
        challenge=challenge,
        state=state,
        value=standing.value,
        target=standing.target,
        period=standing.period,
        starts_at=standing.span.starts_at,
        ends_at=None if standing.span.ends_at == LATEST else standing.span.ends_at,
        completed_at=now.stored.completed_at if now else None,
        completions=sum(each.stored.completed_at is not None for each in kept.values()),
        is_joined=is_joined,
        may_join=is_active and challenge.needs_opt_in and not is_joined and not is_over,
        milestones_reached=tuple(sorted(standing.reached_at_by_milestone)),
        value_by_task=standing.value_by_task,
        withheld_points=sum(grant.withheld for grant in now.grants) if now else 0,
    )


def _state(now: Kept | None, standing: Standing, *, is_over: bool) -> str:
    """Return what is stored of the goal; whether time is over is told by the clock, and swept up later."""
    if now is not None and now.is_done:
        return now.stored.state.value
    if is_over:
        return ProgressState.EXPIRED.value
    return ProgressState.IN_PROGRESS.value if now is not None or standing.value else NOT_STARTED


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def funnels(keys: Sequence[str]) -> dict[str, Funnel]:
    """Return the funnel of each challenge, in one query."""
    return {key: Funnel(*counts) for key, *counts in _rows(_FUNNEL, keys=list(keys))}


def spread(key: str) -> list[int]:
    """Return how many periods stand at 0, 10, … 100 percent of their goal."""
    count_by_tenth = dict(_rows(_SPREAD, key=key))
    return [count_by_tenth.get(tenth, 0) for tenth in range(11)]

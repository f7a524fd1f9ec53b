"""From stored contributions to stored progress: periods are settled, rewards given and taken back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from rewards.domain.challenges.definition import Challenge, Recurrence
from rewards.domain.challenges.periods import EARLIEST, LATEST, Span, period_of
from rewards.domain.challenges.progress import Known, Member, Standing, standings
from rewards.domain.challenges.transitions import (
    DONE,
    GOAL,
    ProgressState,
    Settlement,
    Stored,
    milestone_slot,
    settle,
)
from rewards.locks import lock_challenge_limit
from rewards.models import ChallengeProgress
from rewards.queries import challenge_members
from rewards.queries.challenge_members import Pair
from rewards.queries.programs import PublishedRevision
from rewards.services import challenge_rewards, tiers
from rewards.services.challenge_rewards import Gift, source_of
from tenants.domain.actors import Actor
from tenants.scope import active_tenant_id
from tenants.services import outbox

TOPIC_COMPLETED: Final = "rewards.challenges_completed"
_WRITE = """
    INSERT INTO rewards_challengeprogress (
        tenant_id, customer_id, challenge_key, period, state, value, target, value_by_task, milestones,
        grants, round, starts_at, ends_at, completed_at, rewarded_at, updated_at)
    SELECT %(tenant)s, t.customer_id, t.challenge_key, t.period, t.state, t.value, t.target, t.tasks::jsonb,
           t.milestones::bigint[], t.grants::jsonb, t.round, t.starts_at, t.ends_at, t.completed_at,
           t.rewarded_at, %(at)s
    FROM unnest(
        %(customer_id)s::bigint[], %(challenge_key)s::text[], %(period)s::text[], %(state)s::text[],
        %(value)s::bigint[], %(target)s::bigint[], %(tasks)s::text[], %(milestones)s::text[],
        %(grants)s::text[], %(round)s::int[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[],
        %(completed_at)s::timestamptz[], %(rewarded_at)s::timestamptz[])
        AS t(customer_id, challenge_key, period, state, value, target, tasks, milestones, grants, round,
             starts_at, ends_at, completed_at, rewarded_at)
    ON CONFLICT (tenant_id, customer_id, challenge_key, period) DO UPDATE SET
        state = excluded.state, value = excluded.value, target = excluded.target,
        value_by_task = excluded.value_by_task, milestones = excluded.milestones, grants = excluded.grants,
        round = excluded.round, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
        completed_at = excluded.completed_at, rewarded_at = excluded.rewarded_at,
        updated_at = excluded.updated_at
"""


@dataclass(slots=True)
class Counted:
    """What a batch changed."""

    completed: int = 0
    given: int = 0
    taken_back: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of counting: the revision in force, who asks, and the moment."""

    published: PublishedRevision
    by: Actor
    at: datetime
    challenge_by_key: Mapping[str, Challenge] = field(init=False)

    def __post_init__(self) -> None:
        by_key = {challenge.key: challenge for challenge in self.published.revision.challenges}
        object.__setattr__(self, "challenge_by_key", by_key)


@dataclass(frozen=True, slots=True)
class _Change:
    """One period before and after."""

    pair: Pair
    challenge: Challenge
    standing: Standing
    row: ChallengeProgress | None
    settlement: Settlement

    @property
    def completes(self) -> bool:
        was_done = self.row is not None and ProgressState(self.row.state) in DONE
        return self.settlement.stored.state is ProgressState.COMPLETED and not was_done


class _Row(NamedTuple):
    customer_id: int
    challenge_key: str
    period: str
    state: str
    value: int
    target: int
    tasks: str
    milestones: str
    grants: str
    round: int
    starts_at: datetime
    ends_at: datetime | None
    completed_at: datetime | None
    rewarded_at: datetime | None


def bring_up_to_date(
    first: Mapping[Pair, datetime], joined: Mapping[Pair, datetime], batch: Batch
) -> Counted:
    """Read the progress of locked participants again, from the period of the moment given for each."""
    since = {pair: _since(pair, first[pair], batch) for pair in joined}
    if not since:
        return Counted()
    live_since = challenge_members.live_since()
    counted = challenge_members.contributions(since)
    stored = challenge_members.progress(since)
    changes: list[_Change] = []
    for pair in sorted(since):
        challenge = batch.challenge_by_key[pair.challenge_key]
        rows = {row.period: row for row in stored.get(pair, ())}
        member = Member(
            joined_at=joined[pair],
            live_from=live_since.get(pair.challenge_key, batch.at),
            zone=batch.published.revision.time_zone,
            at=batch.at,
            known={label: _known(row) for label, row in rows.items()},
        )
        changes += [
            _change(pair, challenge, standing, rows.get(standing.period), batch.at)
            for standing in standings(challenge, counted[pair], member)
        ]
    return _carry_out(_within_total(changes, batch.at), batch)


def _since(pair: Pair, moment: datetime, batch: Batch) -> datetime:
    """Return from when on contributions matter: a calendar period stands for itself."""
    challenge = batch.challenge_by_key[pair.challenge_key]
    is_apart = challenge.recurrence not in {Recurrence.NONE, Recurrence.ON_COMPLETION}
    if moment == EARLIEST or not is_apart or challenge.limits.per_customer is not None:
        return EARLIEST
    span = Span(EARLIEST, LATEST)
    return period_of(challenge.recurrence, moment, batch.published.revision.time_zone, span).span.starts_at


def _known(row: ChallengeProgress) -> Known:
    is_done = ProgressState(row.state) in DONE
    return Known(Span(row.starts_at, row.ends_at or LATEST), row.target if is_done else None)


def _change(
    pair: Pair, challenge: Challenge, standing: Standing, row: ChallengeProgress | None, at: datetime
) -> _Change:
    before = None
    if row is not None:
        state, milestones = ProgressState(row.state), frozenset(row.milestones)
        before = Stored(state, row.target, row.completed_at, milestones, row.round)
    return _Change(pair, challenge, standing, row, settle(challenge, before, standing, at))


def _within_total(changes: list[_Change], at: datetime) -> list[_Change]:
    """Leave the completions that a challenge has for all; who was first by the clock comes first."""
    by_key: dict[str, list[_Change]] = defaultdict(list)
    for change in changes:
        if change.completes and change.challenge.limits.total is not None:
            by_key[change.challenge.key].append(change)
    over: set[tuple[Pair, str]] = set()
    for key in sorted(by_key):
        lock_challenge_limit(key)
        done = ChallengeProgress.objects.filter(challenge_key=key, completed_at__isnull=False).count()
        most = by_key[key][0].challenge.limits.total or 0
        waiting = sorted(by_key[key], key=lambda each: (each.standing.completed_at, each.pair))
        over |= {(each.pair, each.standing.period) for each in waiting[max(most - done, 0) :]}
    return [
        _change(each.pair, each.challenge, replace(each.standing, completed_at=None), each.row, at)
        if (each.pair, each.standing.period) in over
        else each
        for each in changes
    ]


def _carry_out(changes: Sequence[_Change], batch: Batch) -> Counted:
    published, by, at = batch.published, batch.by, batch.at
    revoked = [grant for change in changes for grant in _grants(change, is_revoked=True)]
    challenge_rewards.take_back(revoked, published=published, by=by, at=at)
    gifts = {(change.pair, change.standing.period): _gifts(change, at) for change in changes}
    due_now, waiting = _apart([gift for due in gifts.values() for gift in due], batch)
    refused = challenge_rewards.give(due_now, published=published, by=by, at=at) | waiting
    given = {place: [gift for gift in due if gift.source not in refused] for place, due in gifts.items()}
    rows = [
        row
        for change in changes
        if (row := _row(change, given[change.pair, change.standing.period], refused, at)) is not None
    ]
    _write(rows, at)
    receivers = {place[0].customer_id for place, gifts_given in given.items() if gifts_given}
    tiers.refresh_after_points(customer_ids=receivers, revision=published.revision, at=at)
    completed = [change for change in changes if change.completes]
    _tell(completed, batch)
    return Counted(len(completed), sum(map(len, given.values())), len(revoked))


def _apart(gifts: Sequence[Gift], batch: Batch) -> tuple[list[Gift], frozenset[str]]:
    """Return what can be given, and the sources of what waits: its customer is outside of the audience."""
    challenges = [each for each in batch.challenge_by_key.values() if each.pauses]
    if not gifts or not challenges:
        return list(gifts), frozenset()
    audiences = challenge_members.audiences({gift.pair.customer_id for gift in gifts}, challenges)
    waiting = frozenset(
        gift.source
        for gift in gifts
        if audiences.is_paused(batch.challenge_by_key[gift.pair.challenge_key], gift.pair.customer_id)
    )
    return [gift for gift in gifts if gift.source not in waiting], waiting


def _grants(change: _Change, *, is_revoked: bool) -> list[dict[str, Any]]:
    grants: list[dict[str, Any]] = change.row.grants if change.row else []
    return [grant for grant in grants if (grant["slot"] in change.settlement.revoked) is is_revoked]


def _gifts(change: _Change, at: datetime) -> list[Gift]:
    """Return what is due and was not given before."""
    period, stored = change.standing.period, change.settlement.stored
    had = {grant["source"] for grant in _grants(change, is_revoked=False)}
    gifts = [
        Gift(
            change.pair, period, due.slot,
            source_of(change.pair, period, stored.round, due.slot, index), reward,
            _earned_at(change, due.slot, at),
        )
        for due in change.settlement.due
        for index, reward in enumerate(due.rewards)
    ]  # fmt: skip
    return [gift for gift in gifts if gift.source not in had]


def _earned_at(change: _Change, slot: str, at: datetime) -> datetime:
    moments = {
        milestone_slot(reached): moment for reached, moment in change.standing.reached_at_by_milestone.items()
    }
    return (change.standing.completed_at if slot == GOAL else moments.get(slot)) or at


def _row(change: _Change, given: Sequence[Gift], refused: Iterable[str], at: datetime) -> _Row | None:
    """Return the period as it is to be stored, or ``None`` when nothing has changed.

    What a frozen account could not take stays due: the goal as COMPLETED, a milestone as not reached.
    """
    stored, standing, row = change.settlement.stored, change.standing, change.row
    refused_slots = {source.split(":")[-2] for source in refused if _is_of(change, source)}
    state = stored.state
    if state is ProgressState.COMPLETED and GOAL not in refused_slots:
        state = ProgressState.REWARDED
    milestones = sorted(each for each in stored.milestones if milestone_slot(each) not in refused_slots)
    grants = _grants(change, is_revoked=False) + [gift.to_json() for gift in given]
    rewarded_at = None
    if state is ProgressState.REWARDED:
        rewarded_at = row.rewarded_at if row and row.rewarded_at else at
    found = _Row(
        change.pair.customer_id, change.pair.challenge_key, standing.period, state.value, standing.value,
        stored.target, json.dumps(dict(standing.value_by_task), sort_keys=True),
        "{" + ",".join(map(str, milestones)) + "}", json.dumps(grants), stored.round,
        standing.span.starts_at, None if standing.span.ends_at == LATEST else standing.span.ends_at,
        stored.completed_at, rewarded_at,
    )  # fmt: skip
    return None if row is not None and found == _as_stored(row) else found


def _is_of(change: _Change, source: str) -> bool:
    key, customer_id, period, *_ = source.split(":")
    return (Pair(int(customer_id), key), period) == (change.pair, change.standing.period)


def _as_stored(row: ChallengeProgress) -> _Row:
    return _Row(
        row.customer_id, row.challenge_key, row.period, row.state, row.value, row.target,
        json.dumps(row.value_by_task, sort_keys=True), "{" + ",".join(map(str, sorted(row.milestones))) + "}",
        json.dumps(row.grants), row.round, row.starts_at, row.ends_at, row.completed_at, row.rewarded_at,
    )  # fmt: skip


def _write(rows: Sequence[_Row], at: datetime) -> None:
    if not rows:
        return
    columns = {name: list(values) for name, values in zip(_Row._fields, zip(*rows, strict=True), strict=True)}
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {"tenant": active_tenant_id(), "at": at, **columns})


def _tell(completed: Sequence[_Change], batch: Batch) -> None:
    if not completed:
        return
    rows = [
        {
            "customer_id": change.pair.customer_id,
            "challenge": change.pair.challenge_key,
            "period": change.standing.period,
        }
        for change in completed
    ]
    payload = {"revision": batch.published.number, "completions": rows}
    outbox.publish(topic=TOPIC_COMPLETED, payload=payload, at=batch.at)

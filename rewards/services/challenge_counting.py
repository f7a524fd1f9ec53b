"""Counting documents towards challenges: contributions in, progress and rewards out, in one transaction.

The participation row is written first and is the lock: two batches of one customer wait for each other, and
the second reads what the first has counted. Everything else follows from the stored contributions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from rewards.domain.challenges.matching import ORDER, Contribution
from rewards.domain.challenges.participation import COUNTS, Involvement, Pair, involvement
from rewards.domain.challenges.periods import EARLIEST
from rewards.queries import challenge_members
from rewards.services import challenge_budgets
from rewards.services.challenge_progress import Batch, Counted, Joined, bring_up_to_date
from tenants.scope import active_tenant_id

_JOIN = """
    INSERT INTO rewards_challengeparticipation AS kept
        (tenant_id, customer_id, challenge_key, joined_at, is_opted_in, touched_at)
    SELECT %(tenant)s, t.customer_id, t.challenge_key, t.joined_at, false, %(at)s
    FROM unnest(%(customers)s::bigint[], %(keys)s::text[], %(joined)s::timestamptz[])
        AS t(customer_id, challenge_key, joined_at)
    ORDER BY t.customer_id, t.challenge_key
    ON CONFLICT (tenant_id, customer_id, challenge_key) DO UPDATE SET touched_at = excluded.touched_at
    RETURNING customer_id, challenge_key, joined_at, is_opted_in
"""
_FORGET = """
    DELETE FROM rewards_challengecontribution c
    USING unnest(%(customers)s::bigint[], %(keys)s::text[], %(sources)s::text[])
        AS t(customer_id, challenge_key, source_id)
    WHERE c.tenant_id = %(tenant)s AND c.customer_id = t.customer_id
      AND c.challenge_key = t.challenge_key COLLATE "C" AND c.source_type = 'order'
      AND c.source_id = t.source_id COLLATE "C"
"""
# Of an event that was sent twice with different moments the earlier one counts, whichever came first.
_COUNT = """
    INSERT INTO rewards_challengecontribution AS kept
        (tenant_id, customer_id, challenge_key, part, source_type, source_id, value, amount, occurred_at)
    SELECT %(tenant)s, t.* FROM unnest(
        %(customers)s::bigint[], %(keys)s::text[], %(parts)s::text[], %(types)s::text[], %(sources)s::text[],
        %(values)s::text[], %(amounts)s::bigint[], %(moments)s::timestamptz[]) AS t
    ON CONFLICT (tenant_id, customer_id, challenge_key, source_type, source_id, part, value)
    DO UPDATE SET amount = excluded.amount, occurred_at = excluded.occurred_at
    WHERE excluded.occurred_at < kept.occurred_at
"""


@dataclass(slots=True)
class Touched:
    """What one document says about one customer in one challenge; ``contributions`` may be none at all."""

    pair: Pair
    source_type: str
    source_id: str
    occurred_at: datetime
    contributions: list[Contribution]
    # Of a customer who is suspended, or a challenge that is offered no more: nothing new counts.
    only_takes_back: bool = False


def count(touched: Sequence[Touched], batch: Batch) -> Counted:
    """Store what documents contribute for those who take part, and bring their progress up to date."""
    admitted = _admitted(touched, batch)
    if not admitted:
        return Counted()
    joined = _locked({each.pair for each in admitted}, batch)
    _store(admitted)
    first: dict[Pair, datetime] = {}
    for each in admitted:
        first[each.pair] = min(first.get(each.pair, each.occurred_at), each.occurred_at)
    return bring_up_to_date(first, joined, batch)


def recompute(pairs: Iterable[Pair], batch: Batch) -> Counted:
    """Read the whole progress of some participants again from what is stored."""
    joined = _locked(set(pairs), batch)
    return bring_up_to_date(dict.fromkeys(joined, EARLIEST), joined, batch)


def _admitted(touched: Sequence[Touched], batch: Batch) -> list[Touched]:
    """Leave those who take part: they do already, or an automatic challenge is for them.

    Who does not take part any more, or not now, is left with what was counted before: it can come back.
    """
    customer_ids = {each.pair.customer_id for each in touched}
    keys = {each.pair.challenge_key for each in touched}
    if not touched:
        return []
    there = challenge_members.participations(customer_ids, keys)
    challenges = [batch.challenge_by_key[key] for key in sorted(keys)]
    audiences = challenge_members.audiences(customer_ids, challenges, at=batch.at)

    def part(each: Touched) -> Involvement:
        if each.only_takes_back:
            return Involvement.NONE
        participation = there.get(each.pair)
        is_opted_in = participation.is_opted_in if participation else None
        challenge = batch.challenge_by_key[each.pair.challenge_key]
        return involvement(challenge, audiences, each.pair.customer_id, is_opted_in=is_opted_in)

    parts = [part(each) for each in touched]
    counted = challenge_members.counted_sources(
        {
            (each.pair, each.source_id)
            for each, part in zip(touched, parts, strict=True)
            if part not in COUNTS and each.pair in there
        }
    )

    def is_in(each: Touched, part: Involvement) -> bool:
        if part not in COUNTS:
            return (each.pair, each.source_id) in counted
        return part is Involvement.TAKES or bool(each.contributions)

    return [each for each, part in zip(touched, parts, strict=True) if is_in(each, part)]


def _execute(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), **parameters})
        return cursor.fetchall() if cursor.description else []


def _locked(pairs: set[Pair], batch: Batch) -> dict[Pair, Joined]:
    """Lock the budgets that pay, then the participations."""
    keys = {pair.challenge_key for pair in pairs}
    challenge_budgets.lock(keys, published=batch.published, at=batch.at)
    return _join(pairs, batch)


def _join(pairs: set[Pair], batch: Batch) -> dict[Pair, Joined]:
    """Write and lock the participations, in one order everywhere; returns since when each takes part."""
    ordered = sorted(pairs)
    member_since = challenge_members.joined_at({pair.customer_id for pair in ordered})
    rows = _execute(
        _JOIN,
        customers=[pair.customer_id for pair in ordered],
        keys=[pair.challenge_key for pair in ordered],
        joined=[member_since[pair.customer_id] for pair in ordered],
        at=batch.at,
    )
    return {Pair(customer_id, key): Joined(*participation) for customer_id, key, *participation in rows}


def _store(touched: Sequence[Touched]) -> None:
    """Replace what orders contributed, add what events do."""
    orders = [each for each in touched if each.source_type == ORDER]
    if orders:
        _execute(
            _FORGET,
            customers=[each.pair.customer_id for each in orders],
            keys=[each.pair.challenge_key for each in orders],
            sources=[each.source_id for each in orders],
        )
    rows: dict[tuple[str | int, ...], tuple[Any, ...]] = {}
    for each in touched:
        for one in each.contributions:
            key = (*each.pair, one.source_type, one.source_id, one.part, one.value)
            if key not in rows or one.occurred_at < rows[key][-1]:
                rows[key] = (*each.pair, *one)
    if rows:
        columns = list(zip(*rows.values(), strict=True))
        names = ("customers", "keys", "parts", "types", "sources", "values", "amounts", "moments")
        _execute(_COUNT, **{name: list(column) for name, column in zip(names, columns, strict=True)})

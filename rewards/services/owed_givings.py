"""Giving what emergency brakes kept back, once they are released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from crm.models import CustomerState
from rewards.domain.challenges.participation import Pair
from rewards.domain.effects import GrantReward, IssueCoupon
from rewards.locks import lock_owed_gifts
from rewards.models import GiftKind, GiverKind, OwedGift
from rewards.queries import paused, programs
from rewards.queries.programs import PublishedRevision
from rewards.services import challenge_counting, challenge_rewards
from rewards.services.challenge_progress import Batch
from rewards.services.coupons import issuing
from rewards.services.effects import catalogue, coupons
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import Withheld
from rewards.services.ledger import Source
from rewards.services.owed_gifts import GIVEN, NOT_DUE
from tenants.domain.actors import Actor

# A batch is one transaction; a worker that dies repeats one batch.
MOST_AT_ONCE: Final = 50
_CARRY_OUT: Final[Mapping[str, Any]] = {
    GiftKind.COUPON: coupons.carry_out, GiftKind.REWARD: catalogue.carry_out,
}  # fmt: skip


class Settled(NamedTuple):
    """How many of a batch were settled, and the last one's number; ``None`` where nothing was left."""

    settled: int = 0
    last_id: int | None = None


def give(*, by: Actor, at: datetime) -> int:
    """Settle the first batch of what is owed and not paused any more; returns how many. Safe to repeat."""
    return give_batch(after=0, by=by, at=at).settled


@transaction.atomic
def give_batch(*, after: int, by: Actor, at: datetime) -> Settled:
    """Settle a batch of what is owed and not paused any more, behind the gift with the number ``after``.

    What cannot be given for another reason (the coupon is gone, the reward out of stock) is settled with that
    reason. A challenge decides itself whether its gift is still due. What another worker settles just now is
    passed over.
    """
    published = programs.published()
    rows = lock_owed_gifts(_due(at), after=after, most=MOST_AT_ONCE) if published else []
    if published is None or not rows:
        return Settled()
    _count_again(filter(_is_of_challenge, rows), published, by=by, at=at)
    count = 0
    for row in rows:
        outcome = _of_challenge(row) if _is_of_challenge(row) else _of_rule(row, published, by=by, at=at)
        if outcome is not None:
            row.settled_at, row.outcome = at, outcome
            row.save(update_fields=["settled_at", "outcome"])
            count += 1
    return Settled(count, rows[-1].pk)


def _is_of_challenge(row: OwedGift) -> bool:
    return row.giver_kind == GiverKind.CHALLENGE


def _due(at: datetime) -> QuerySet[OwedGift]:
    waiting = OwedGift.objects.filter(settled_at__isnull=True)
    keys: dict[str, set[str]] = {kind: set() for kind in GiftKind.values}
    for kind, key in waiting.values_list("kind", "key").distinct():
        keys[kind].add(key)
    coupons_due = keys[GiftKind.COUPON] - paused.coupons(keys[GiftKind.COUPON], at=at)
    rewards_due = keys[GiftKind.REWARD] - paused.rewards(keys[GiftKind.REWARD], at=at)
    due = Q(kind=GiftKind.COUPON, key__in=coupons_due) | Q(kind=GiftKind.REWARD, key__in=rewards_due)
    return waiting.filter(due, customer__state=CustomerState.ACTIVE)


def _count_again(rows: Iterable[OwedGift], published: PublishedRevision, *, by: Actor, at: datetime) -> None:
    known = {challenge.key for challenge in published.revision.challenges}
    pairs = {Pair(row.customer_id, row.giver) for row in rows if row.giver in known}
    if pairs:
        challenge_counting.recompute(pairs, Batch(published, by, at))


def _of_challenge(row: OwedGift) -> str:
    code = issuing.of_source(Source(challenge_rewards.SOURCE, row.source))
    return GIVEN if code is not None else NOT_DUE


def _of_rule(row: OwedGift, published: PublishedRevision, *, by: Actor, at: datetime) -> str | None:
    """Return the outcome, or ``None`` for what is kept back again."""
    event_type, _colon, number = row.source.partition(":")
    effect = (IssueCoupon if row.kind == GiftKind.COUPON else GrantReward)(row.giver, row.key)
    item = Given(row.customer_id, event_type, int(number), row.earned_at, effect)
    refused = _CARRY_OUT[row.kind]([item], published=published, by=by, at=at)
    if not refused.effects:
        return GIVEN
    withheld: Withheld = refused.effects[0]
    return None if withheld.is_owed else withheld.reason

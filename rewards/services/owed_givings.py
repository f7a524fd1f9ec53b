"""Giving what emergency brakes kept back, once they are released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from crm.models import CustomerState
from rewards.domain.challenges.participation import Pair
from rewards.domain.effects import GrantReward, IssueCoupon
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

_MOST: Final = 500
_CARRY_OUT: Final[Mapping[str, Any]] = {
    GiftKind.COUPON: coupons.carry_out, GiftKind.REWARD: catalogue.carry_out,
}  # fmt: skip


@transaction.atomic
def give(*, by: Actor, at: datetime) -> int:
    """Settle what is owed and not paused any more; returns how many, some of very many. Safe to repeat.

    What cannot be given for another reason (the coupon is gone, the reward out of stock) is settled with that
    reason. A challenge decides itself whether its gift is still due.
    """
    published = programs.published()
    rows = _due(at) if published else []
    if published is None or not rows:
        return 0
    _count_again(filter(_is_of_challenge, rows), published, by=by, at=at)
    count = 0
    for row in rows:
        outcome = _of_challenge(row) if _is_of_challenge(row) else _of_rule(row, published, by=by, at=at)
        if outcome is not None:
            row.settled_at, row.outcome = at, outcome
            row.save(update_fields=["settled_at", "outcome"])
            count += 1
    return count


def _is_of_challenge(row: OwedGift) -> bool:
    return row.giver_kind == GiverKind.CHALLENGE


def _due(at: datetime) -> list[OwedGift]:
    waiting = OwedGift.objects.filter(settled_at__isnull=True)
    keys: dict[str, set[str]] = {kind: set() for kind in GiftKind.values}
    for kind, key in waiting.values_list("kind", "key").distinct():
        keys[kind].add(key)
    free = {
        GiftKind.COUPON.value: keys[GiftKind.COUPON] - paused.coupons(keys[GiftKind.COUPON], at=at),
        GiftKind.REWARD.value: keys[GiftKind.REWARD] - paused.rewards(keys[GiftKind.REWARD], at=at),
    }
    rows: list[OwedGift] = []
    for kind, some in free.items():
        found = waiting.filter(kind=kind, key__in=some, customer__state=CustomerState.ACTIVE)
        rows += found.order_by("pk")[:_MOST] if some else []
    return rows


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

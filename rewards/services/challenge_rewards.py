"""Giving what challenges promise, and taking it back: set by set, each gift under a permanent source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from crm.services import customer_touches
from rewards.domain.challenges.changes import Gift, Grant
from rewards.domain.challenges.definition import RewardKind
from rewards.models import (
    CodeState,
    CouponCode,
    GiftKind,
    GiverKind,
    LedgerTransaction,
    OwedGift,
    TransactionKind,
)
from rewards.queries import credit_terms
from rewards.queries.programs import PublishedRevision
from rewards.services import expiries, ledger, owed_gifts
from rewards.services.coupons import issuing
from rewards.services.errors import Paused
from rewards.services.ledger import Credit, Source, TakeBack
from tenants.domain.actors import Actor
from tenants.errors import DomainError
from tenants.services import outbox

SOURCE: Final = "challenge"
TAKE_BACK_SOURCE: Final = "challenge_taken_back"
TOPIC_MESSAGE: Final = "rewards.message_triggered"
log = structlog.get_logger(__name__)


def give(gifts: Sequence[Gift], *, published: PublishedRevision, by: Actor, at: datetime) -> frozenset[str]:
    """Give everything; returns the sources refused: a frozen account, a coupon without codes."""
    refused = _give_points([gift for gift in gifts if gift.reward.points], published=published, by=by, at=at)
    refused |= _give_coupons([gift for gift in gifts if gift.reward.kind is RewardKind.COUPON], by=by, at=at)
    _send_messages([gift for gift in gifts if gift.reward.kind is RewardKind.MESSAGE], published, at)
    return refused


def _give_points(
    gifts: Sequence[Gift], *, published: PublishedRevision, by: Actor, at: datetime
) -> frozenset[str]:
    gifts_by_wallet: dict[str, list[Gift]] = defaultdict(list)
    revision = published.revision
    for gift in sorted(gifts, key=lambda each: each.pair):
        gifts_by_wallet[gift.reward.key].append(gift)
    refused: set[str] = set()
    for key, given in gifts_by_wallet.items():
        earned = [(gift.pair.customer_id, gift.earned_at) for gift in given]
        terms = credit_terms.of_earned(revision.wallet(key), zone=revision.time_zone, earned=earned)
        result = ledger.post_batch(
            wallet_id=published.wallet_id_by_key[key],
            kind=TransactionKind.EARN,
            source_type=SOURCE,
            credits=[
                Credit(gift.pair.customer_id, gift.reward.points, gift.source, gift.earned_at, *term)
                for gift, term in zip(given, terms, strict=True)
            ],
            by=by,
            at=at,
            revision_id=published.id,
        )
        expiries.touch(
            wallet_id=published.wallet_id_by_key[key],
            policy=revision.wallet(key),
            zone=revision.time_zone,
            moments=earned,
        )
        customer_touches.add({customer_id for customer_id, _earned_at in earned}, is_history=False)
        refused |= result.frozen_sources
    return frozenset(refused)


def _give_coupons(gifts: Sequence[Gift], *, by: Actor, at: datetime) -> frozenset[str]:
    """Issue the coupons; refused are those of a definition that is gone, paused, or has no codes left."""
    refused: set[str] = set()
    owed = []
    for gift in gifts:
        try:
            issuing.issue(
                customer_id=gift.pair.customer_id,
                definition_key=gift.reward.key,
                source=Source(SOURCE, gift.source),
                by=by,
                at=at,
            )
        except DomainError as error:
            refused.add(gift.source)
            log.warning("challenge.gift_refused", source=gift.source, code=error.code)
            if isinstance(error, Paused):
                owed.append(_owed(gift, error.code, at))
    owed_gifts.note(owed)
    return frozenset(refused)


def _owed(gift: Gift, reason: str, at: datetime) -> OwedGift:
    return OwedGift(
        customer_id=gift.pair.customer_id, kind=GiftKind.COUPON, key=gift.reward.key,
        giver_kind=GiverKind.CHALLENGE, giver=gift.pair.challenge_key, source=gift.source, reason=reason,
        earned_at=gift.earned_at, owed_at=at,
    )  # fmt: skip


def _send_messages(gifts: Sequence[Gift], published: PublishedRevision, at: datetime) -> None:
    pulled: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for gift in gifts:
        pulled[gift.reward.key].append(
            {
                "customer_id": gift.pair.customer_id,
                "event_type": SOURCE,
                "event_id": gift.source,
                "rule": gift.pair.challenge_key,
                "occurred_at": gift.earned_at.isoformat(),
            }
        )
    for trigger, customers in pulled.items():
        payload = {"trigger": trigger, "revision": published.number, "customers": customers}
        outbox.publish(topic=TOPIC_MESSAGE, payload=payload, at=at)


def take_back(grants: Iterable[Grant], *, published: PublishedRevision, by: Actor, at: datetime) -> None:
    """Take points back, within what is left of them, and coupons nobody used; messages cannot be unsent."""
    given = list(grants)
    _void_coupons([each.source for each in given if each.kind == RewardKind.COUPON], by=by, at=at)
    points_by_source = {each.source: each.points for each in given if each.kind == RewardKind.POINTS}
    if not points_by_source:
        return
    posted = list(
        LedgerTransaction.objects.filter(source_type=SOURCE, source_id__in=list(points_by_source))
        .order_by("id")
        .values_list("id", "source_id", "account__customer_id")
    )
    ledger.take_back_batch(
        source_type=TAKE_BACK_SOURCE,
        returns=[
            TakeBack(transaction_id, points_by_source[source], source, at)
            for transaction_id, source, _customer_id in posted
        ],
        by=by,
        at=at,
        revision_id=published.id,
    )
    customer_touches.add({customer_id for _id, _source, customer_id in posted}, is_history=False)


def _void_coupons(sources: Sequence[str], *, by: Actor, at: datetime) -> None:
    unused = CouponCode.objects.filter(
        source_type=SOURCE, source_id__in=list(sources), state=CodeState.ASSIGNED, uses=0
    )
    for code in unused.order_by("pk").values_list("code", flat=True):
        issuing.void(text=code, reason="The order behind the challenge came back", by=by, at=at)

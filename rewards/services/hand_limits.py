"""What one may move by hand of a member in a day, adjustments and reversals together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, Sum
from django.db.models.functions import Abs

from crm.models import Customer
from rewards.domain.wallets import WalletPolicy
from rewards.locks import lock_pace
from rewards.models import (
    AdjustmentRequest,
    AdjustmentState,
    LedgerEntry,
    LedgerTransaction,
    PostingActor,
    Wallet,
)
from rewards.queries import programs
from rewards.services.errors import ApprovalRequired
from rewards.services.ledger import Posting, Source
from tenants.domain.actors import Actor, ActorKind
from tenants.models import Membership

ADJUSTMENT: Final = "adjustment"
REVERSAL: Final = "reversal"
WINDOW: Final = timedelta(hours=24)


def require(
    *, customer: Customer, wallet: Wallet, points: int, source: Source, by: Actor, at: datetime
) -> None:
    """Raise ``ApprovalRequired`` where the actor may not move that many points more alone.

    The posting of ``source`` itself does not count: it may be repeated.
    """
    limit = limit_of(by, wallet.key)
    if limit is not None and _moved_lately(customer, wallet, source, by=by, at=at) + abs(points) > limit:
        hours = WINDOW // timedelta(hours=1)
        raise ApprovalRequired(f"More than {limit} points in {hours} hours need approval.", limit=limit)


def note(posting: Posting, *, by: Actor) -> None:
    """Remember who made a new posting."""
    if posting.transaction_id is not None:
        PostingActor.objects.create(transaction_id=posting.transaction_id, actor_ref=by.ref)


def note_sources(source_ids: Collection[str], *, by: Actor) -> None:
    """Remember who made many adjustments at once, by their sources."""
    made = LedgerTransaction.objects.filter(source_type=ADJUSTMENT, source_id__in=list(source_ids))
    actors = [PostingActor(transaction_id=pk, actor_ref=by.ref) for pk in made.values_list("pk", flat=True)]
    PostingActor.objects.bulk_create(actors, ignore_conflicts=True)


def limit_of(by: Actor, wallet_key: str) -> int | None:
    """Points of one member the actor may move alone in a ``WINDOW``; ``None`` is no limit."""
    if by.kind in {ActorKind.SYSTEM, ActorKind.OPERATOR}:
        return None
    policy = policy_of(wallet_key)
    if policy is None or not policy.adjustment_limits:
        return None
    role = "api_key"
    if by.kind == ActorKind.USER and by.id is not None:
        role = Membership.objects.filter(user_id=by.id).values_list("role", flat=True).first() or ""
    return policy.adjustment_limits.get(role)


def _moved_lately(customer: Customer, wallet: Wallet, source: Source, *, by: Actor, at: datetime) -> int:
    """Return the points of a member that the actor has moved alone, but for the posting of ``source``.

    Many small adjustments need the same approval as a large one. Side by side they wait for each other.
    """
    lock_pace(f"adjustments:{customer.pk}")
    # Postings of before actors were noted are known by the label beside them.
    unnoted = Q(transaction__actor_kind=by.kind.value, transaction__actor_label=by.label[:200])
    lines = LedgerEntry.objects.filter(
        Q(transaction__actors__actor_ref=by.ref) | (Q(transaction__actors__isnull=True) & unnoted),
        account__customer=customer,
        account__wallet=wallet,
        transaction__source_type__in=[ADJUSTMENT, REVERSAL],
        transaction__posted_at__gt=at - WINDOW,
    )
    approved = AdjustmentRequest.objects.filter(customer=customer, state=AdjustmentState.APPROVED)
    by_others = Q(transaction__source_type=ADJUSTMENT, transaction__source_id__in=approved.values("key"))
    itself = Q(transaction__source_type=source.type, transaction__source_id=source.id)
    alone = lines.exclude(by_others).exclude(itself)
    return int(alone.aggregate(moved=Sum(Abs("points")))["moved"] or 0)


def policy_of(wallet_key: str) -> WalletPolicy | None:
    """Return the rules of the published program for a wallet, if there are any."""
    published = programs.published()
    policies = published.revision.wallets if published else ()
    return next((policy for policy in policies if policy.key == wallet_key), None)

"""Points: one posting an event and wallet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from rewards.domain.effects import Earn
from rewards.domain.sources import source_id
from rewards.models import DecisionEvent, TransactionKind
from rewards.queries.programs import PublishedRevision
from rewards.services import expiries, ledger, lots
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import Refused
from rewards.services.ledger import Credit
from tenants.domain.actors import Actor


def carry_out(
    given: Sequence[Given[Earn]], *, published: PublishedRevision, by: Actor, at: datetime
) -> Refused:
    """Post what events earned, a wallet at a time; refused are the events of frozen accounts."""
    credits_by_source: dict[tuple[str, str], list[Credit]] = defaultdict(list)
    for item in given:
        wallet = item.effect.wallet
        pending = published.revision.wallet(wallet).pending
        credits_by_source[wallet, item.event_type].append(
            Credit(
                item.customer_id,
                item.effect.points,
                source_id(item.event_id, item.effect.pot),
                item.occurred_at,
                item.effect.expires_at,
                pending.activates_at(item.occurred_at, published.revision.time_zone),
                pending.awaits(item.event_type, item.event_id),
            )
        )
    refused: set[int] = set()
    for (wallet, event_type), wallet_credits in credits_by_source.items():
        result = ledger.post_batch(
            wallet_id=published.wallet_id_by_key[wallet],
            kind=TransactionKind.EARN,
            source_type=event_type,
            credits=wallet_credits,
            by=by,
            at=at,
            revision_id=published.id,
        )
        expiries.touch(
            wallet_id=published.wallet_id_by_key[wallet],
            policy=published.revision.wallet(wallet),
            zone=published.revision.time_zone,
            moments=[(credit.customer_id, credit.occurred_at) for credit in wallet_credits],
        )
        refused.update(int(source.partition(":")[0]) for source in result.frozen_sources)
    lots.announce_waiting(order_ids=sorted(_waiting_orders(given, published) - refused), at=at)
    return Refused(events=frozenset(refused))


def _waiting_orders(given: Sequence[Given[Earn]], published: PublishedRevision) -> set[int]:
    """Return the orders whose points wait for an event."""
    waits = {policy.key for policy in published.revision.wallets if policy.pending.names_an_event}
    return {
        item.event_id
        for item in given
        if item.effect.wallet in waits and item.event_type == DecisionEvent.ORDER
    }

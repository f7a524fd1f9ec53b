"""Points that one member gives to another."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from crm.models import Customer, CustomerState
from crm.services import customer_touches
from rewards.domain.policies import Pace
from rewards.domain.sources import customer_key
from rewards.models import LedgerTransaction, Wallet
from rewards.queries import programs
from rewards.services import ledger, velocity
from rewards.services.errors import CustomerNotActive, SourceReused
from rewards.services.ledger import Posting
from tenants.domain.actors import Actor
from tenants.errors import Conflict, DomainError, FieldError, InvalidInput
from tenants.services import audit

SOURCE: Final = "transfer"


class TransfersTooFast(DomainError):
    """More transfers than the tenant's velocity limit; carries ``most`` and ``window_hours``."""

    code = "transfers_too_fast"
    status = 429
    title = "Too many transfers; somebody is asked to look"


class TransfersNotAllowed(Conflict):
    """The wallet does not let members give points away."""

    code = "transfers_not_allowed"
    title = "The wallet does not allow transfers between members"


@transaction.atomic
def transfer(
    *,
    sender: Customer,
    receiver: Customer,
    wallet: Wallet,
    points: int,
    by: Actor,
    at: datetime,
    idempotency_key: str,
    reason: str = "",
) -> Posting:
    """Move available points; the receiver's lots keep the expiry of the lots they come from.

    Raises ``InvalidInput``, ``CustomerNotActive``, ``TransfersNotAllowed``, ``InsufficientPoints``,
    ``AccountFrozen`` and ``SourceReused``; and ``TransfersTooFast`` for more in a while than the velocity
    limit, apart from a retry: a review is opened, and its approval lets the sender begin anew.
    """
    if sender.pk == receiver.pk:
        raise InvalidInput(errors=[FieldError("/to", "same_member", "Choose another member.")])
    for customer in (sender, receiver):
        if customer.state != CustomerState.ACTIVE:
            raise CustomerNotActive(f"The customer is {customer.state}.", state=customer.state)
    published = programs.published()
    policies = published.revision.wallets if published else ()
    if not any(policy.key == wallet.key and policy.allows_transfers for policy in policies):
        raise TransfersNotAllowed
    source = customer_key(sender.pk, idempotency_key)
    _keep_pace(sender, source, at)
    posting = ledger.call(
        "rewards_transfer", sender.pk, receiver.pk, wallet.pk, points, SOURCE, source, at,
        by.kind.value, by.label[:200], reason[:500],
    )  # fmt: skip
    if posting.points != -points:
        raise SourceReused(f"This key transferred {-posting.points} points.")
    if posting.is_new:
        customer_touches.add([sender.pk, receiver.pk], is_history=False)
        diff = {"wallet": [None, wallet.key], "points": [None, points], "to": [None, str(receiver.public_id)]}
        audit.record(action="points.transferred", target=sender, by=by, at=at, diff=diff)
    return posting


def _keep_pace(sender: Customer, source: str, at: datetime) -> None:
    limit = velocity.exceeded(Pace.TRANSFERS, customer_id=sender.pk, at=at)
    if limit is None:
        return
    if LedgerTransaction.objects.filter(source_type=SOURCE, source_id=f"{source}:out").exists():
        return
    raise TransfersTooFast(**velocity.refusal(limit, sender, at=at))

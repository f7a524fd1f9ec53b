"""Points that one member gives to another."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from crm.models import Customer, CustomerState
from crm.services import customer_touches
from rewards.domain.sources import customer_key
from rewards.models import Wallet
from rewards.queries import programs
from rewards.services import ledger
from rewards.services.errors import CustomerNotActive, SourceReused
from rewards.services.ledger import Posting
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.services import audit

SOURCE: Final = "transfer"


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
    ``AccountFrozen`` and ``SourceReused``.
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
    posting = ledger.call(
        "rewards_transfer", sender.pk, receiver.pk, wallet.pk, points, SOURCE,
        customer_key(sender.pk, idempotency_key), at, by.kind.value, by.label[:200], reason[:500],
    )  # fmt: skip
    if posting.points != -points:
        raise SourceReused(f"This key transferred {-posting.points} points.")
    if posting.is_new:
        customer_touches.add([sender.pk, receiver.pk], is_history=False)
        diff = {"wallet": [None, wallet.key], "points": [None, points], "to": [None, str(receiver.public_id)]}
        audit.record(action="points.transferred", target=sender, by=by, at=at, diff=diff)
    return posting

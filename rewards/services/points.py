"""Adjustments by staff or client apps."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from crm.models import Customer, CustomerState
from crm.services.customers import CustomerNotEditable
from rewards.domain.expiry import expires_at
from rewards.domain.sources import customer_key
from rewards.models import Account, TransactionKind, Wallet
from rewards.queries import programs
from rewards.services import ledger
from rewards.services.ledger import Posting, Source
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput
from tenants.models.base import new_public_id
from tenants.scope import active_tenant
from tenants.services import audit

LARGEST_ADJUSTMENT = 10_000_000
SOURCE = "adjustment"


@transaction.atomic
def adjust(
    *,
    customer: Customer,
    points: int,
    reason: str,
    by: Actor,
    at: datetime,
    wallet_key: str = "points",
    idempotency_key: str = "",
) -> Posting:
    """Credit or debit points by hand; the reason is kept in the ledger and the audit log.

    A repeated ``idempotency_key`` finds the first posting for ever. Raises ``InvalidInput``,
    ``CustomerNotEditable``,
    ``InsufficientPoints``, ``AccountFrozen`` and ``SourceReused``.
    """
    if customer.state in {CustomerState.MERGED, CustomerState.ANONYMISED}:
        raise CustomerNotEditable
    wallet = Wallet.objects.filter(key=wallet_key).first()
    errors = []
    if wallet is None:
        errors.append(FieldError("/wallet", "unknown_wallet", f"There is no wallet {wallet_key!r}."))
    if not reason.strip():
        errors.append(FieldError("/reason", "required", "Say why the points change."))
    if not points or abs(points) > LARGEST_ADJUSTMENT:
        errors.append(
            FieldError("/points", "out_of_range", f"Not 0 and at most {LARGEST_ADJUSTMENT} either way.")
        )
    if wallet is None or errors:
        raise InvalidInput(errors=errors)
    posting = ledger.post(
        customer_id=customer.pk,
        wallet_id=wallet.pk,
        kind=TransactionKind.ADJUST,
        points=points,
        source=Source(SOURCE, customer_key(customer.pk, idempotency_key or str(new_public_id()))),
        occurred_at=at,
        expires_at=_expiry(wallet_key, at) if points > 0 else None,
        reason=reason.strip()[:500],
        by=by,
        at=at,
    )
    if posting.is_new:
        account = Account.objects.get(customer=customer, wallet=wallet)
        diff = {"points": [posting.available - points, posting.available], "reason": [None, reason.strip()]}
        audit.record(action="points.adjusted", target=account, by=by, at=at, diff=diff)
    return posting


def _expiry(wallet_key: str, at: datetime) -> datetime | None:
    published = programs.published()
    policies = published.revision.wallets if published else ()
    months = next((policy.expiry_months for policy in policies if policy.key == wallet_key), None)
    return expires_at(at, months, ZoneInfo(active_tenant().time_zone))

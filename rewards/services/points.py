"""Points by hand: adjustments, with a limit a role and the approval of a second person above it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from crm.models import Customer, CustomerState
from crm.services import customer_touches
from crm.services.customers import CustomerNotEditable
from rewards.domain.sources import customer_key
from rewards.locks import lock_adjustment
from rewards.models import (
    Account,
    AdjustmentRequest,
    AdjustmentState,
    TransactionKind,
    Wallet,
)
from rewards.queries import credit_terms
from rewards.services import hand_limits, ledger
from rewards.services.errors import AdjustmentDecided, OwnRequest
from rewards.services.ledger import Posting, Source
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.models.base import new_public_id
from tenants.scope import active_tenant
from tenants.services import audit, outbox

LARGEST_ADJUSTMENT: Final = 10_000_000
SOURCE: Final = hand_limits.ADJUSTMENT
REQUESTED_TOPIC: Final = "rewards.adjustment_requested"


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
    ``CustomerNotEditable``, ``ApprovalRequired`` above the actor's limit (then ask with ``request``),
    ``InsufficientPoints``, ``AccountFrozen`` and ``SourceReused``.
    """
    wallet = _checked(customer, points, reason, wallet_key)
    key = customer_key(customer.pk, idempotency_key or str(new_public_id()))
    hand_limits.require(
        customer=customer, wallet=wallet, points=points, source=Source(SOURCE, key), by=by, at=at
    )  # fmt: skip
    return _post(customer, wallet, points, reason.strip(), key, by=by, at=at)


@transaction.atomic
def request(
    *,
    customer: Customer,
    points: int,
    reason: str,
    by: Actor,
    at: datetime,
    wallet_key: str = "points",
    idempotency_key: str = "",
) -> AdjustmentRequest:
    """Ask for an adjustment that somebody else decides; a repeated key finds the first request.

    Raises ``InvalidInput`` and ``CustomerNotEditable``.
    """
    wallet = _checked(customer, points, reason, wallet_key)
    key = customer_key(customer.pk, idempotency_key or str(new_public_id()))
    values = {
        "customer": customer, "wallet": wallet, "points": points, "reason": reason.strip()[:500],
        "requested_by": by.label[:200], "requested_ref": by.ref, "requested_at": at,
    }  # fmt: skip
    row, is_new = AdjustmentRequest.objects.get_or_create(key=key, defaults=values)
    if is_new:
        diff = {"points": [None, points], "reason": [None, reason.strip()]}
        audit.record(action="points.adjustment_requested", target=row, by=by, at=at, diff=diff)
        outbox.publish(topic=REQUESTED_TOPIC, payload={"request_id": row.pk}, at=at)
    return row


@transaction.atomic
def approve(*, request: AdjustmentRequest, by: Actor, at: datetime, note: str = "") -> Posting:
    """Carry out a request of another person.

    Raises ``PermissionRefused``, ``AdjustmentDecided``, ``OwnRequest``, ``InsufficientPoints``,
    ``AccountFrozen``.
    """
    row = _decide(request, AdjustmentState.APPROVED, by=by, at=at, note=note)
    posting = _post(row.customer, row.wallet, row.points, row.reason, row.key, by=by, at=at)
    row.transaction_id = posting.transaction_id
    row.save()
    return posting


@transaction.atomic
def reject(*, request: AdjustmentRequest, by: Actor, at: datetime, note: str) -> AdjustmentRequest:
    """Refuse a request of another person; nothing moves. Raises as ``approve`` does, without the ledger's."""
    row = _decide(request, AdjustmentState.REJECTED, by=by, at=at, note=note)
    row.save()
    return row


def _decide(
    request: AdjustmentRequest, state: AdjustmentState, *, by: Actor, at: datetime, note: str
) -> AdjustmentRequest:
    by.require(Permission.POINTS_APPROVE)
    row = lock_adjustment(request.pk)
    if row.state != AdjustmentState.REQUESTED:
        raise AdjustmentDecided(f"The request is {row.state}.", state=row.state)
    if row.requested_ref == by.ref:
        raise OwnRequest
    row.state, row.decided_by, row.decided_ref = state, by.label[:200], by.ref
    row.decided_at, row.decision_note = at, note[:500]
    diff = {"state": [AdjustmentState.REQUESTED.value, state.value], "note": [None, note]}
    audit.record(action=f"points.adjustment_{state.value}", target=row, by=by, at=at, diff=diff)
    return row


def _checked(customer: Customer, points: int, reason: str, wallet_key: str) -> Wallet:
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
    return wallet


def _post(
    customer: Customer, wallet: Wallet, points: int, reason: str, key: str, *, by: Actor, at: datetime
) -> Posting:
    terms = credit_terms.of_one(
        hand_limits.policy_of(wallet.key), zone=active_tenant().zone, customer_id=customer.pk, earned_at=at
    )
    posting = ledger.post(
        customer_id=customer.pk,
        wallet_id=wallet.pk,
        kind=TransactionKind.ADJUST,
        points=points,
        source=Source(SOURCE, key),
        occurred_at=at,
        expires_at=terms.expires_at if points > 0 else None,
        reason=reason[:500],
        by=by,
        at=at,
    )
    if posting.is_new:
        hand_limits.note(posting, by=by)
        customer_touches.add([customer.pk], is_history=False)
        account = Account.objects.get(customer=customer, wallet=wallet)
        diff = {"points": [posting.available - points, posting.available], "reason": [None, reason]}
        audit.record(action="points.adjusted", target=account, by=by, at=at, diff=diff)
    return posting

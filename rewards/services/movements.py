"""What client apps do with points directly: earn, spend, hold, reverse."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from crm.models import Customer, CustomerState
from crm.services import customer_touches
from rewards.domain.sources import customer_key
from rewards.domain.wallets import WalletKind, WalletPolicy
from rewards.models import Hold, LedgerEntry, TransactionKind, Wallet
from rewards.queries import credit_terms, programs
from rewards.queries.programs import PublishedRevision
from rewards.services import expiries, hand_limits, holds, ledger
from rewards.services.errors import CustomerNotActive
from rewards.services.ledger import Posting, Source
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant
from tenants.services import audit

LONGEST_HOLD: Final = timedelta(days=30)
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
SOURCE: Final = "api"


class WalletNotSpendable(Conflict):
    """Points of a status wallet only count; they are neither spent nor held."""

    code = "wallet_not_spendable"
    title = "Points of this wallet only count; they cannot be spent"


def wallet_of(key: str) -> tuple[Wallet, WalletPolicy | None]:
    """Return a wallet and its policy in the revision in force. Raises ``InvalidInput``."""
    wallet = Wallet.objects.filter(key=key).first()
    if wallet is None:
        unknown = FieldError("/wallet", "unknown_wallet", f"There is no wallet {key!r}.")
        raise InvalidInput(errors=[unknown])
    return wallet, _policy(programs.published(), key)


def _policy(published: PublishedRevision | None, key: str) -> WalletPolicy | None:
    policies = published.revision.wallets if published else ()
    return next((policy for policy in policies if policy.key == key), None)


def _in_force(earned_at: datetime, at: datetime) -> PublishedRevision | None:
    """Return the revision of the day. Raises ``InvalidInput`` beyond the window, and for what is to come."""
    if earned_at == at:
        return programs.published()
    timeline = programs.timeline()
    days = timeline.current.revision.policies.backdating_days if timeline else None
    if earned_at > at + _CLOCKS_DIFFER:
        too_late = FieldError("/occurred_at", "in_the_future", "It cannot have been earned yet.")
        raise InvalidInput(errors=[too_late])
    if days is not None and earned_at < at - timedelta(days=days):
        too_old = FieldError("/occurred_at", "too_old", f"The program counts nothing older than {days} days.")
        raise InvalidInput(errors=[too_old])
    return timeline.at(earned_at) if timeline else None


@transaction.atomic
def earn(
    *,
    customer: Customer,
    points: int,
    wallet_key: str,
    idempotency_key: str,
    by: Actor,
    at: datetime,
    occurred_at: datetime | None = None,
    reason: str = "",
) -> Posting:
    """Credit points under the wallet's rules for pending and expiry, once per key.

    What was earned earlier goes by the revision of its day, within the window of the program. Raises
    ``InvalidInput``, ``CustomerNotActive``, ``AccountFrozen`` and ``SourceReused``.
    """
    wallet, current = wallet_of(wallet_key)
    _must_be_active(customer)
    zone, earned_at = active_tenant().zone, occurred_at or at
    published = _in_force(earned_at, at)
    policy = _policy(published, wallet_key) or current
    terms = credit_terms.of_one(policy, zone=zone, customer_id=customer.pk, earned_at=earned_at)
    posting = ledger.post(
        customer_id=customer.pk,
        wallet_id=wallet.pk,
        kind=TransactionKind.EARN,
        points=points,
        source=Source(SOURCE, customer_key(customer.pk, idempotency_key)),
        occurred_at=earned_at,
        **terms._asdict(),
        revision_id=published.id if published else None,
        reason=reason[:500],
        by=by,
        at=at,
    )
    if posting.is_new:
        if policy:
            expiries.touch(wallet_id=wallet.pk, policy=policy, zone=zone, moments=[(customer.pk, earned_at)])
        customer_touches.add([customer.pk], is_history=False)
    return posting


@transaction.atomic
def spend(
    *,
    customer: Customer,
    points: int,
    wallet_key: str,
    idempotency_key: str,
    by: Actor,
    at: datetime,
    reason: str = "",
) -> Posting:
    """Take ``points`` from the available lots, once per key.

    Raises ``InvalidInput``, ``CustomerNotActive``, ``WalletNotSpendable``, ``InsufficientPoints``,
    ``AccountFrozen`` and ``SourceReused``.
    """
    wallet, policy = _spendable(customer, wallet_key)
    posting = ledger.post(
        customer_id=customer.pk,
        wallet_id=wallet.pk,
        kind=TransactionKind.REDEEM,
        points=-points,
        source=Source(SOURCE, customer_key(customer.pk, idempotency_key)),
        occurred_at=at,
        reason=reason[:500],
        by=by,
        at=at,
    )
    if posting.is_new:
        if policy:
            zone = active_tenant().zone
            expiries.touch(wallet_id=wallet.pk, policy=policy, zone=zone, moments=[(customer.pk, at)])
        customer_touches.add([customer.pk], is_history=False)
    return posting


@transaction.atomic
def hold(
    *,
    customer: Customer,
    points: int,
    wallet_key: str,
    idempotency_key: str,
    at: datetime,
    lasts: timedelta,
) -> Hold:
    """Set points aside until they are captured or released, or ``lasts`` has passed.

    Raises as ``spend`` does.
    """
    wallet, _policy = _spendable(customer, wallet_key)
    return holds.open_hold(
        customer_id=customer.pk,
        wallet_id=wallet.pk,
        points=points,
        source=Source(SOURCE, customer_key(customer.pk, idempotency_key)),
        at=at,
        expires_at=at + min(lasts, LONGEST_HOLD),
    )


@transaction.atomic
def capture(*, hold: Hold, by: Actor, at: datetime, reason: str = "") -> Posting:
    """Spend what is held. Raises ``HoldClosed`` and ``AccountFrozen``."""
    source = Source("hold", str(hold.public_id))
    return holds.capture(
        hold=hold, kind=TransactionKind.REDEEM, source=source, by=by, at=at, reason=reason[:500]
    )


@transaction.atomic
def reverse(
    *, customer: Customer, wallet_key: str, seq: int, by: Actor, at: datetime, reason: str
) -> Posting:
    """Undo the posting that a customer's ledger line number ``seq`` belongs to, at most once.

    What it moves counts against the actor's limit like an adjustment. Raises ``InvalidInput``,
    ``NotReversible``, ``ApprovalRequired`` and ``AccountFrozen``.
    """
    wallet, policy = wallet_of(wallet_key)
    line = LedgerEntry.objects.filter(
        account__customer=customer, account__wallet=wallet, seq=seq
    ).select_related("transaction", "account")
    found = line.first()
    if found is None:
        missing = FieldError("/seq", "unknown_line", f"There is no ledger line {seq}.")
        raise InvalidInput(errors=[missing])
    options = {} if policy is None else {"policy": policy.refund_policy}
    source = Source(hand_limits.REVERSAL, str(found.transaction_id))
    if not found.transaction.reversals.exists():
        hand_limits.require(
            customer=customer, wallet=wallet, points=found.transaction.points, source=source, by=by, at=at
        )
    posting = ledger.reverse(
        transaction=found.transaction,
        source=source,
        grace_until=policy.grace_until(at, active_tenant().zone) if policy else None,
        reason=reason[:500],
        by=by,
        at=at,
        **options,
    )
    if posting.is_new:
        hand_limits.note(posting, by=by)
        customer_touches.add([customer.pk], is_history=False)
        diff = {"points": [found.transaction.points, 0], "reason": [None, reason]}
        audit.record(action="points.reversed", target=found.account, by=by, at=at, diff=diff)
    return posting


def _spendable(customer: Customer, wallet_key: str) -> tuple[Wallet, WalletPolicy | None]:
    wallet, policy = wallet_of(wallet_key)
    _must_be_active(customer)
    if policy is not None and policy.kind is WalletKind.STATUS:
        raise WalletNotSpendable
    return wallet, policy


def _must_be_active(customer: Customer) -> None:
    if customer.state != CustomerState.ACTIVE:
        raise CustomerNotActive(f"The customer is {customer.state}.", state=customer.state)

"""Holds: points reserved until they are captured, released or the hold times out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crm.services import customer_touches
from rewards.models import Hold, HoldState, TransactionKind
from rewards.services import expiries, ledger
from rewards.services.errors import AccountFrozen, HoldClosed, InsufficientPoints
from rewards.services.ledger import Outcome, Posting, Source, fetch_one
from tenants.domain.actors import Actor
from tenants.models.base import new_public_id
from tenants.scope import active_tenant_id

_OPEN = "SELECT outcome, hold_id, missing FROM rewards_open_hold(%s, %s, %s, %s, %s, %s, %s, %s)"
_CLOSE = "SELECT rewards_close_hold(%s, %s, %s)"
_HOLDERS = "SELECT customer_id FROM rewards_account WHERE tenant_id = %s AND id = ANY(%s)"
_SWEEP = 500


def open_hold(
    *,
    customer_id: int,
    wallet_id: int,
    points: int,
    source: Source,
    at: datetime,
    expires_at: datetime | None = None,
) -> Hold:
    """Reserve points lot by lot, once per source; raises ``InsufficientPoints`` or ``AccountFrozen``."""
    outcome, hold_id, missing = fetch_one(
        _OPEN, [new_public_id(), customer_id, wallet_id, points, source.type, source.id, at, expires_at]
    )
    if outcome == Outcome.INSUFFICIENT:
        raise InsufficientPoints(f"{missing} points are missing.", missing=missing)
    if outcome == Outcome.FROZEN:
        raise AccountFrozen
    if outcome == Outcome.POSTED:
        customer_touches.add([customer_id], is_history=False)
    hold: Hold = Hold.objects.get(pk=hold_id)
    return hold


def capture(
    *, hold: Hold, kind: TransactionKind, source: Source, by: Actor, at: datetime, reason: str = ""
) -> Posting:
    """Spend what is held, also from lots that expired meanwhile. Raises ``HoldClosed`` unless it is open.

    What is available was less since the hold was opened; no segment needs to hear of it again. Like other
    spending it lets points live on that inactivity ends.
    """
    posting = ledger.call(
        "rewards_capture_hold",
        hold.pk,
        kind.value,
        source.type,
        source.id,
        at,
        by.kind.value,
        by.label[:200],
        reason,
    )
    if posting.is_new:
        expiries.touch_spender(account_id=hold.account_id, at=at)
    return posting


def release(*, hold: Hold, at: datetime) -> None:
    """Give the points back to their lots. Raises ``HoldClosed`` when it is not open."""
    if not fetch_one(_CLOSE, [hold.pk, HoldState.RELEASED.value, at])[0]:
        raise HoldClosed
    _touch([hold])


def time_out(*, at: datetime) -> int:
    """Close the holds whose time is over; returns how many. A hold captured meanwhile stays captured."""
    due = Hold.objects.filter(state=HoldState.OPEN, expires_at__lte=at).order_by("account_id", "pk")[:_SWEEP]
    closed = [hold for hold in due if fetch_one(_CLOSE, [hold.pk, HoldState.TIMED_OUT.value, at])[0]]
    if closed:
        _touch(closed)
    return len(closed)


def _touch(holds: Sequence[Hold]) -> None:
    accounts = [hold.account_id for hold in holds]
    customer_touches.add_found(_HOLDERS, [active_tenant_id(), accounts])

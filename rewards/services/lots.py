"""The life of a lot between earning and spending: pending, released, cancelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from crm.models import Event, Order
from crm.services import customer_touches
from rewards.domain.wallets import MANUAL, awaited, named_order
from rewards.models import Account, Lot
from rewards.queries import programs
from rewards.services import ledger
from rewards.services.errors import LotNotPending
from rewards.services.ledger import Posting, fetch_one
from tenants.domain.actors import Actor
from tenants.scope import active_tenant_id
from tenants.services import audit, outbox

_ACTIVATE = "SELECT rewards_activate(%s, %s)"
_RELEASE = "SELECT rewards_release(%s::bigint[], %s)"
# Those whose lots a batch activates, seen a moment before it does.
_DUE = """
    SELECT customer_id FROM rewards_account
    WHERE tenant_id = %s AND next_activation_at <= %s AND frozen_at IS NULL
    ORDER BY next_activation_at LIMIT %s
"""
_HOLDERS = """
    SELECT a.customer_id FROM rewards_lot l
    JOIN rewards_account a ON a.tenant_id = l.tenant_id AND a.id = l.account_id
    WHERE l.tenant_id = %s AND l.id = ANY(%s)
"""
ACCOUNTS_A_BATCH: Final = 1_000
WAITING_TOPIC: Final = "rewards.points_waiting"
_ORDER = "order"
# The clock of the client that tells of a delivery may be behind that of the shop.
_CLOCKS_DIFFER: Final = timedelta(days=1)


def activate_batch(*, at: datetime) -> int:
    """Activate lots whose date has come, of the next accounts; 0 means nothing is left.

    Nobody waits for it: spending and balances look at the date themselves.
    """
    customer_touches.add_found(_DUE, [active_tenant_id(), at, ACCOUNTS_A_BATCH])
    return int(fetch_one(_ACTIVATE, [at, ACCOUNTS_A_BATCH])[0])


@transaction.atomic
def release(*, lot: Lot, by: Actor, at: datetime, reason: str = "") -> int:
    """Make a pending lot spendable now; returns its points. Raises ``LotNotPending``."""
    points = _release([lot.pk], at=at)
    if not points:
        raise LotNotPending
    audit.record(
        action="points.released", target=lot.account, by=by, at=at,
        diff={"points": [None, points], "reason": [None, reason]},
    )  # fmt: skip
    return points


@transaction.atomic
def cancel(*, lot: Lot, by: Actor, at: datetime, reason: str) -> Posting:
    """Take back what is left of a pending lot, once. Raises ``LotNotPending`` and ``AccountFrozen``."""
    posting = ledger.call(
        "rewards_cancel_pending",
        lot.pk,
        "lot_cancelled",
        str(lot.pk),
        at,
        by.kind.value,
        by.label[:200],
        reason,
    )
    if posting.transaction_id is None:
        raise LotNotPending
    if posting.is_new:
        _touch([lot.pk])
        audit.record(
            action="points.cancelled", target=lot.account, by=by, at=at,
            diff={"points": [-posting.points, 0], "reason": [None, reason]},
        )  # fmt: skip
    return posting


def release_awaiting(*, keys: Collection[str], at: datetime) -> int:
    """Release every lot that waits for one of ``keys`` (see ``awaited``); returns the points."""
    lots = Lot.objects.filter(is_pending=True, awaits__in=[key for key in keys if key != MANUAL])
    return _release(list(lots.values_list("pk", flat=True)), at=at)


def release_after_events(
    *, message_ids: Sequence[str], first_at: datetime | str, last_at: datetime | str, at: datetime
) -> int:
    """Release what waits for recorded events; they name their order in ``properties.order_id``.

    Returns the points released.
    """
    names = programs.awaited_events()
    if not names:
        return 0
    events = Event.objects.filter(
        message_id__in=message_ids, occurred_at__gte=first_at, occurred_at__lte=last_at, name__in=names
    )
    named = _orders_named(events)
    orders = Order.objects.filter(external_id__in={order for _, order in named})
    return _release_named(named, dict(orders.values_list("external_id", "pk")), at=at)


def announce_waiting(*, order_ids: Sequence[int], at: datetime) -> None:
    """Let ``release_what_happened`` look, once they are committed, at points that wait for an event."""
    if order_ids:
        outbox.publish(topic=WAITING_TOPIC, payload={"order_ids": list(order_ids)}, at=at)


def look_again(*, account: Account, at: datetime) -> None:
    """Let what happened while an account was frozen release what waits in it."""
    waiting = Lot.objects.filter(account=account, is_pending=True).values_list("awaits", flat=True)
    names = (awaits.split(":") for awaits in waiting if awaits and awaits != MANUAL)
    announce_waiting(order_ids=sorted({int(name[-1]) for name in names if name[1:-1] == [_ORDER]}), at=at)


def release_what_happened(*, order_ids: Sequence[int], at: datetime) -> int:
    """Release what waits for events of the buyers that came before their orders were decided.

    An event that comes later finds the points by itself. Returns the points released.
    """
    orders = list(
        Order.objects.filter(pk__in=order_ids).values_list("external_id", "pk", "customer_id", "placed_at")
    )
    names = programs.awaited_events()
    if not orders or not names:
        return 0
    events = Event.objects.filter(
        customer_id__in={customer_id for _, _, customer_id, _ in orders},
        occurred_at__gte=min(placed_at for *_, placed_at in orders) - _CLOCKS_DIFFER,
        name__in=names,
    )
    return _release_named(_orders_named(events), {name: pk for name, pk, _, _ in orders}, at=at)


def _orders_named(events: QuerySet[Event]) -> set[tuple[str, str]]:
    """Return (event, order as the client calls it) of events that name one."""
    return {
        (name, order)
        for name, properties in events.values_list("name", "properties")
        if (order := named_order(properties)) is not None
    }


def _release_named(named: Collection[tuple[str, str]], order_ids: Mapping[str, int], *, at: datetime) -> int:
    keys = [awaited(name, _ORDER, order_ids[order]) for name, order in named if order in order_ids]
    return release_awaiting(keys=keys, at=at)


def _release(lot_ids: Sequence[int], *, at: datetime) -> int:
    if not lot_ids:
        return 0
    _touch(lot_ids)
    return int(fetch_one(_RELEASE, [list(lot_ids), at])[0])


def _touch(lot_ids: Sequence[int]) -> None:
    customer_touches.add_found(_HOLDERS, [active_tenant_id(), list(lot_ids)])

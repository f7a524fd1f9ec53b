"""What happened with one customer, from all apps, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import Customer, Event, Order, OrderLine, Return
from rewards.models import LedgerEntry, Redemption
from tenants.access import Access
from tenants.domain.actors import ActorKind
from tenants.domain.permissions import Permission

PAGE: Final = 30
_ALL: Final = "all"
KINDS: Final = ("order", "points", "event")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; ``points`` and ``amount_minor`` are signed."""

    kind: str
    at: datetime
    title: str
    note: str
    symbol: str
    url: str = ""
    points: int | None = None
    amount_minor: int | None = None
    currency: str = ""


def entries(
    customer: Customer, access: Access, *, kind: str = _ALL, before: datetime | None = None
) -> list[Entry]:
    """Return up to a page of entries older than ``before``, of the kinds the role may see."""
    found: list[Entry] = []
    if kind in {_ALL, "order"} and access.can(Permission.ORDERS_VIEW):
        found += _orders(customer, before)
        found += _returns(customer, before)
    if kind in {_ALL, "points"} and access.can(Permission.POINTS_VIEW):
        found += _points(customer, before)
        found += _redemptions(customer, before)
    if kind in {_ALL, "event"} and access.can(Permission.EVENTS_VIEW):
        found += _events(customer, before)
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:PAGE]


def _older(field: str, before: datetime | None) -> dict[str, Any]:
    return {f"{field}__lt": before} if before else {}


def _orders(customer: Customer, before: datetime | None) -> list[Entry]:
    orders = Order.objects.filter(customer=customer, **_older("placed_at", before))
    rows = list(orders.order_by("-placed_at", "-id")[:PAGE])
    lines = dict(
        OrderLine.objects.filter(order__in=rows)
        .values_list("order_id")
        .annotate(count=Count("pk"))
        .order_by()
    )
    return [
        Entry(
            "order",
            order.placed_at,
            _("Order %(id)s") % {"id": order.external_id},
            " · ".join(filter(None, [_lines(lines.get(order.pk, 0)), order.channel])),
            "shopping_bag",
            reverse("order", args=[order.public_id]),
            amount_minor=order.total_minor,
            currency=order.currency,
        )
        for order in rows
    ]


def _lines(count: int) -> str:
    return ngettext("%(n)s line", "%(n)s lines", count) % {"n": count}


def _returns(customer: Customer, before: datetime | None) -> list[Entry]:
    rows = Return.objects.filter(customer=customer, **_older("returned_at", before))
    return [
        Entry(
            "return",
            row.returned_at,
            _("Return %(id)s") % {"id": row.external_id},
            _("of order %(id)s") % {"id": row.order.external_id},
            "assignment_return",
            reverse("order", args=[row.order.public_id]),
            amount_minor=-row.total_minor,
            currency=row.order.currency,
        )
        for row in rows.select_related("order").order_by("-returned_at", "-id")[:PAGE]
    ]


def _points(customer: Customer, before: datetime | None) -> list[Entry]:
    """Return postings; the lines a debit takes from several lots are one entry."""
    accounts = list(customer.point_accounts.values_list("pk", flat=True))
    lines = LedgerEntry.objects.filter(
        account__in=accounts, **_older("transaction__occurred_at", before)
    ).select_related("transaction")
    postings = {line.transaction_id: line.transaction for line in lines.order_by("-seq")[: 2 * PAGE]}
    return [
        Entry(
            "points",
            posting.occurred_at,
            posting.get_kind_display(),
            posting.reason or ("" if posting.actor_kind == ActorKind.SYSTEM else posting.actor_label),
            "toll",
            points=posting.points,
        )
        for posting in postings.values()
    ]


def _redemptions(customer: Customer, before: datetime | None) -> list[Entry]:
    rows = Redemption.objects.filter(customer=customer, **_older("reserved_at", before))
    return [
        Entry(
            "redemption",
            row.reserved_at,
            (_("Gift: %(reward)s") if row.granted_by else _("Redemption: %(reward)s"))
            % {"reward": row.reward.name},
            row.get_state_display(),
            "redeem",
        )
        for row in rows.select_related("reward").order_by("-reserved_at")[:PAGE]
    ]


def _events(customer: Customer, before: datetime | None) -> list[Entry]:
    rows = Event.objects.filter(customer=customer, **_older("occurred_at", before))
    return [
        Entry("event", row.occurred_at, row.name, _shown(row.properties), "bolt")
        for row in rows.order_by("-occurred_at")[:PAGE]
    ]


def _shown(properties: Any) -> str:
    if not isinstance(properties, dict):
        return ""
    pairs = [f"{key}: {value}" for key, value in properties.items() if not isinstance(value, dict | list)]
    return " · ".join(pairs[:4])

"""A customer's recommendations, read from the stored lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import Customer, CustomerPolicy, CustomerState, Item
from recommendations.models import ModelKind, RecommendationList, Slot
from recommendations.queries import model_versions
from tenants.errors import NotFound
from tenants.scope import active_tenant_id

LONGEST = 50
POPULAR_DAYS = 90


@dataclass(frozen=True, slots=True)
class RecommendedItem:
    """What a client app shows of an item."""

    id: int
    public_id: UUID
    external_id: str
    name: str
    category: str
    brand: str
    price_minor: int | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An item with its place, its score and why it stands there."""

    position: int
    item: RecommendedItem
    score: float | None
    reason: str
    reason_text: str
    source: RecommendedItem | None


@dataclass(frozen=True, slots=True)
class CustomerRecommendations:
    """One slot of one customer; without a list of their own, what is popular."""

    slot: str
    is_personal: bool
    model_version: str | None
    computed_at: datetime | None
    entries: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class _StoredList:
    is_personal: bool
    model_version: str | None
    computed_at: datetime | None
    item_ids: Sequence[int]
    scores: Sequence[float | None]
    reasons: Sequence[dict[str, Any]]


def of_customer(*, public_id: UUID, slot: str, limit: int = 10) -> CustomerRecommendations:
    """The first `limit` items of a slot, in three queries at most. Raises NotFound."""
    nobody = Exists(CustomerPolicy.objects.filter(is_non_personalised=True))
    found = Customer.objects.filter(public_id=public_id).annotate(is_for_nobody=nobody)
    customer = found.values("id", "may_profile", "may_personalise", "state", "is_for_nobody").first()
    if customer is None:
        raise NotFound("There is no customer with this id.")
    is_allowed = customer["may_profile"] and customer["may_personalise"] and not customer["is_for_nobody"]
    is_personal = is_allowed and customer["state"] == CustomerState.ACTIVE
    stored = _own_list(customer["id"], slot) if is_personal else None
    if stored is None:
        stored = _popular_list() if slot == Slot.NEW_FOR_YOU else _empty_list()
    return _resolved(stored, slot, limit)


def exported(customer_id: int) -> list[dict[str, Any]]:
    """Return the lists of one customer with the reasons, for their archive."""
    rows = RecommendationList.objects.filter(customer_id=customer_id).order_by("slot")
    return [dict(row) for row in rows.values("slot", "item_ids", "scores", "reasons", "computed_at")]


def _own_list(customer_id: int, slot: str) -> _StoredList | None:
    rows = RecommendationList.objects.filter(customer_id=customer_id, slot=slot)
    row = rows.values_list(
        "item_ids", "scores", "reasons", "computed_at", "model_version__kind", "model_version__number"
    ).first()
    if row is None:
        return None
    item_ids, scores, reasons, computed_at, kind, number = row
    return _StoredList(True, f"{kind}-{number}", computed_at, item_ids, scores, reasons)


def _popular_list() -> _StoredList:
    """The list for everybody that the last training stored; before any training, counted now."""
    version = model_versions.active(ModelKind.RECOMMENDER)
    if version is None:
        found = popular_items(limit=LONGEST)
        label, computed_at = None, None
    else:
        found = [(entry["item_id"], entry["customers"]) for entry in version.parameters["popular"]]
        label, computed_at = version.label, version.trained_at
    reasons = [{"kind": "popular", "customers": customers, "days": POPULAR_DAYS} for _id, customers in found]
    ids = [item_id for item_id, _customers in found]
    return _StoredList(False, label, computed_at, ids, [None] * len(ids), reasons)


def _empty_list() -> _StoredList:
    return _StoredList(False, None, None, (), (), ())


def popular_items(*, limit: int) -> list[tuple[int, int]]:
    """Active items by their number of customers in the last 90 days of orders: (item id, customers)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH latest AS (SELECT max(placed_at) AS at FROM crm_order WHERE tenant_id = %(tenant)s)
               SELECT l.item_id, count(DISTINCT o.customer_id) AS customers
                 FROM latest
                 JOIN crm_order o
                   ON o.tenant_id = %(tenant)s AND o.placed_at > latest.at - make_interval(days => %(days)s)
                 JOIN crm_orderline l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
                 JOIN crm_item i ON i.tenant_id = l.tenant_id AND i.id = l.item_id AND i.is_active
                WHERE l.kind = 'product' AND o.customer_id IS NOT NULL
                GROUP BY l.item_id ORDER BY customers DESC, l.item_id LIMIT %(limit)s""",
            {"tenant": active_tenant_id(), "days": POPULAR_DAYS, "limit": limit},
        )
        return [(int(item_id), int(customers)) for item_id, customers in cursor.fetchall()]


def _resolved(stored: _StoredList, slot: str, limit: int) -> CustomerRecommendations:
    """Add the items; those that were switched off since the training make room for the next."""
    wanted = list(stored.item_ids[: limit + 10])
    sources = [reason["item_id"] for reason in stored.reasons[: limit + 10] if "item_id" in reason]
    items = _items({*wanted, *sources})
    entries: list[Recommendation] = []
    for item_id, score, reason in zip(wanted, stored.scores, stored.reasons, strict=False):
        if item_id not in items or len(entries) == limit:
            continue
        item, is_active = items[item_id]
        if not is_active:
            continue
        source = items.get(reason.get("item_id", 0))
        named = source[0] if source else None
        entries.append(
            Recommendation(len(entries) + 1, item, score, reason["kind"], reason_text(reason, named), named)
        )
    return CustomerRecommendations(
        slot, stored.is_personal, stored.model_version, stored.computed_at, tuple(entries)
    )


def _items(ids: Iterable[int]) -> dict[int, tuple[RecommendedItem, bool]]:
    rows = Item.objects.filter(id__in=list(ids)).values_list(
        "id", "public_id", "external_id", "name", "category", "brand", "price_minor", "is_active"
    )
    return {row[0]: (RecommendedItem(*row[:-1]), row[-1]) for row in rows}


def reason_text(reason: dict[str, Any], source: RecommendedItem | None) -> str:
    """The reason as a sentence in the reader's language."""
    kind = reason["kind"]
    if kind == "liked" and source is not None:
        return _("Because you bought %(item)s") % {"item": source.name}
    if kind == "bought":
        return _bought_text(reason["times"], reason.get("every_days"))
    if kind == "popular" and reason.get("days", POPULAR_DAYS) <= 31:  # noqa: PLR2004 - a month
        return _("Popular this month")
    if kind == "popular":
        return _("Popular in the last %(days)d days") % {"days": reason["days"]}
    return _("Chosen from what you bought")


def _bought_text(times: int, days: int | None) -> str:
    if times > 1 and days == 1:
        return _("You bought it %(times)d times, about every day") % {"times": times}
    if times > 1 and days:
        return _("You bought it %(times)d times, about every %(days)d days") % {"times": times, "days": days}
    return ngettext("You bought it %(times)d time", "You bought it %(times)d times", times) % {"times": times}

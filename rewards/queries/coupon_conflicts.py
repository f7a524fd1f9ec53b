"""What a coupon definition does to the others that are offered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from rewards.domain.coupon_conflicts import Finding, Offer, findings
from rewards.domain.coupon_validity import Validity
from rewards.models import CouponDefinition, CouponItem
from rewards.queries.coupon_offers import listed_skus, terms_of

MOST_COMPARED: Final = 500
_MOST_ITEMS: Final = 5_000


def of(definition: CouponDefinition, *, skus: Collection[str] | None = None) -> list[Finding]:
    """Compare a definition, saved or not, with the newest others: three queries for any number of them.

    ``skus`` are its listed items, read from the database when ``None``. One that is switched off clashes
    with nothing.
    """
    if not definition.is_active:
        return []
    mine = _own_skus(definition) if skus is None else frozenset(skus)
    others = CouponDefinition.objects.filter(is_active=True).exclude(key=definition.key)
    rows = list(others.select_related("campaign").order_by("-pk")[:MOST_COMPARED])
    shared = listed_skus({row.pk for row in rows if row.has_items}, mine) if mine else {}
    return findings(
        _offer(definition, mine), [_offer(row, frozenset(shared.get(row.pk, ()))) for row in rows]
    )


def _own_skus(definition: CouponDefinition) -> frozenset[str]:
    listed = CouponItem.objects.filter(definition=definition).values_list("item__external_id", flat=True)
    return frozenset(listed[:_MOST_ITEMS])


def _offer(definition: CouponDefinition, skus: frozenset[str]) -> Offer:
    campaign = definition.campaign
    time = Validity(campaign.starts_at, campaign.ends_at) if campaign else Validity()
    return Offer(definition.key, definition.name, terms_of(definition, skus), time)

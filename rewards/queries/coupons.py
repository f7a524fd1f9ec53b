"""Coupons as lists show them: of a customer, of a definition, and taken ones."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from crm.models import Customer
from rewards.domain.coupon_codes import is_spelled, normalised
from rewards.models import CodeState, CouponCode, CouponRecipient, CouponRedemption, CouponUse
from rewards.queries import coupon_definitions

OPEN = (CodeState.ASSIGNED, CodeState.REDEEMED)
_SHOWN = 20


def codes_of(customer: Customer) -> QuerySet[CouponCode]:
    """The customer's own codes with their definitions, which know whether they are paused."""
    found: QuerySet[CouponCode] = CouponCode.objects.filter(customer=customer)
    return found.prefetch_related(coupon_definitions.of_codes())


def code_of(text: str) -> CouponCode | None:
    """The code with this spelling, if one can be spelled so, with its definition, pool and owner."""
    code = normalised(text)
    if not is_spelled(code):
        return None
    rows: QuerySet[CouponCode] = CouponCode.objects.filter(code=code)
    return rows.select_related("definition", "pool", "customer").first()


def redemptions() -> QuerySet[CouponRedemption]:
    """Coupon redemptions with customer and codes, in two queries a page."""
    uses = Prefetch("uses", CouponUse.objects.select_related("code", "definition").order_by("pk"))
    found: QuerySet[CouponRedemption] = CouponRedemption.objects.select_related("customer")
    return found.prefetch_related(uses)


def with_codes(redemption: CouponRedemption) -> CouponRedemption:
    """Read one redemption again as the lists show it."""
    found: CouponRedemption = redemptions().get(pk=redemption.pk)
    return found


def of_customer_page(customer: Customer, *, at: datetime) -> dict[str, Any]:
    """What the customer's page shows, in five queries whatever there is."""
    received = CouponRecipient.objects.filter(customer=customer).select_related("campaign")
    used = redemptions().filter(customer=customer).order_by("-reserved_at", "-pk")
    return {
        "coupons": [
            (code, coupon_definitions.is_paused(code.definition, at))
            for code in codes_of(customer).order_by("-pk")[:_SHOWN]
        ],
        "coupon_redemptions": list(used[:_SHOWN]),
        "coupon_campaigns": list(received.order_by("-received_at", "-pk")[:_SHOWN]),
    }


def profile_section(customer_ids: list[int]) -> dict[int, Any]:
    """The codes customers can use, by customer, for profiles; the latest twenty each."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = CouponCode.objects.filter(customer_id__in=customer_ids, state__in=OPEN)
    for row in rows.select_related("definition").order_by("-pk")[: _SHOWN * max(1, len(customer_ids))]:
        if row.customer_id is not None and len(found[row.customer_id]) < _SHOWN:
            found[row.customer_id].append(
                {
                    "code": row.code,
                    "definition": row.definition.key,
                    "name": row.definition.name,
                    "expires_at": row.expires_at.isoformat() if row.expires_at else None,
                    "balance_minor": row.balance_minor,
                }
            )
    return dict(found)

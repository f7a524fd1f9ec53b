"""Redemptions of the past, through the same check and the same taking as live ones, at their own time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from rewards.domain.coupon_codes import normalised
from rewards.queries import coupon_offers
from rewards.queries.coupon_offers import Preloaded
from rewards.services.coupons.errors import CouponsRejected
from rewards.services.coupons.takings import Request, take
from tenants.models import Tenant
from tenants.scope import tenant_scope

_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class PastCart:
    """A cart of the past; ``apart`` are the same codes one by one, for when they cannot stand together."""

    request: Request
    happened_at: datetime
    apart: Sequence[Request] = field(default_factory=tuple)


@dataclass(slots=True)
class HistoryReport:
    """What was taken, in codes and minor units, and what was refused, by reason."""

    carts: int = 0
    codes: int = 0
    discount_minor: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def redeem(
    *, tenant: Tenant, carts: Iterable[PastCart], progress: Callable[[int, str], None]
) -> HistoryReport:
    """Take the coupons of past carts in their order; safe to repeat. Opens a scope a batch.

    Nothing is announced: webhooks about last year's coupons would be wrong.
    """
    report, remaining = HistoryReport(), iter(carts)
    while batch := list(islice(remaining, _BATCH)):
        with tenant_scope(tenant):
            preloaded = _preloaded(batch)
            for cart in batch:
                _redeem(cart, tenant, preloaded, report)
        progress(report.codes, f"{report.carts} carts")
    return report


def _preloaded(batch: Sequence[PastCart]) -> Preloaded:
    """Read once what the batch's carts ask: one by one that was most of their time."""
    requests = [request for cart in batch for request in (cart.request, *cart.apart)]
    return coupon_offers.preload(
        {normalised(code) for request in requests for code in request.codes},
        {line.sku for request in requests for line in request.cart.lines},
        {request.customer.pk for request in requests if request.customer},
        {(request.source.type, request.source.id) for request in requests},
    )


def _redeem(cart: PastCart, tenant: Tenant, preloaded: Preloaded, report: HistoryReport) -> None:
    take_at = partial(_take, tenant=tenant, at=cart.happened_at, preloaded=preloaded, report=report)
    try:
        take_at(cart.request)
    except CouponsRejected:
        for request in cart.apart or [cart.request]:
            try:
                take_at(request)
            except CouponsRejected as refusal:
                for code in refusal.extra["codes"]:
                    report.refused[code["reasons"][0]["reason"]] += 1


def _take(
    request: Request, *, tenant: Tenant, at: datetime, preloaded: Preloaded, report: HistoryReport
) -> None:
    redemption, _is_new = take(request, tenant=tenant, at=at, preloaded=preloaded, is_past=True)
    report.carts += 1
    report.codes += len(request.codes)
    report.discount_minor += redemption.discount_minor

"""Taking the coupons of a cart in the open transaction: evaluated, locked, written once a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from crm.models import Customer
from rewards.domain.carts import Cart
from rewards.domain.coupon_codes import normalised
from rewards.domain.coupon_pricing import MOST_CODES
from rewards.domain.coupon_terms import Benefit
from rewards.locks import lock_coupon_codes
from rewards.models import CouponCode, CouponRedemption, CouponRedemptionState, CouponUse
from rewards.queries import coupon_evaluation, coupon_offers
from rewards.queries.coupon_evaluation import Evaluation, Verdict
from rewards.queries.coupon_offers import Preloaded
from rewards.services.coupons import consumption
from rewards.services.coupons.consumption import Taking
from rewards.services.coupons.errors import CouponsBusy, CouponsRejected, TooManyCodes
from rewards.services.ledger import Source
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Request:
    """A cart with its codes; ``source`` names the intention, so that a retry finds the first redemption.

    ``client`` is the shopper's session or address: each may guess codes only so often. Nothing keeps it.
    """

    codes: Sequence[str]
    cart: Cart
    source: Source
    customer: Customer | None = None
    order_reference: str = ""
    client: str = ""


def take(
    request: Request,
    *,
    tenant: Tenant,
    at: datetime,
    ttl: timedelta | None = None,
    preloaded: Preloaded | None = None,
    is_past: bool = False,
) -> tuple[CouponRedemption, bool]:
    """Evaluate and take in the open transaction; returns the redemption and whether it is new.

    ``preloaded`` is what a batch has read for its carts; codes that count uses are locked all the same. A
    cart that ``is_past`` was paid before anybody pulled a brake of today.
    """
    require_few(request.codes)
    rows = _rows(request, preloaded)
    # After the locks: whoever held them may have been this request's twin.
    has_waited = any(row.is_counted for row in rows)
    if has_waited or _may_be_known(request.source, preloaded):
        earlier = _earlier(request.source)
        if earlier is not None:
            return earlier, False
    evaluation = coupon_evaluation.evaluate(
        codes=request.codes, cart=request.cart, customer=request.customer, tenant=tenant, at=at, rows=rows,
        preloaded=preloaded, is_past=is_past,
    )  # fmt: skip
    if not evaluation.is_valid:
        raise CouponsRejected(codes=[rejected(each) for each in evaluation.verdicts if not each.is_valid])
    try:
        with transaction.atomic():
            return _write(request, evaluation, at, ttl), True
    except IntegrityError:
        if (earlier := _earlier(request.source)) is not None:
            return earlier, False
        raise


def require_few(codes: Sequence[str]) -> None:
    """Raise ``TooManyCodes`` for a cart with more codes than are looked at."""
    if len(codes) > MOST_CODES:
        raise TooManyCodes(f"At most {MOST_CODES} codes a cart.", limit=MOST_CODES)


def rejected(verdict: Verdict) -> dict[str, Any]:
    """Return a refused code as problems and the back office show it."""
    return {"code": verdict.code, "reasons": [rejection.to_json() for rejection in verdict.rejections]}


def _may_be_known(source: Source, preloaded: Preloaded | None) -> bool:
    return preloaded is None or (source.type, source.id) in preloaded.sources


def _rows(request: Request, preloaded: Preloaded | None) -> list[CouponCode]:
    codes = [normalised(code) for code in request.codes]
    if preloaded is not None:
        found = [preloaded.row_by_code[code] for code in codes if code in preloaded.row_by_code]
        if not any(row.is_counted for row in found):
            return found
    return coupon_offers.with_offers(lock_coupon_codes(codes))


def _earlier(source: Source) -> CouponRedemption | None:
    found = CouponRedemption.objects.filter(source_type=source.type, source_id=source.id)
    redemption: CouponRedemption | None = found.first()
    return redemption


def _write(request: Request, evaluation: Evaluation, at: datetime, ttl: timedelta | None) -> CouponRedemption:
    used = [verdict for verdict in evaluation.verdicts if verdict.applied and verdict.candidate]
    consumption.take([_taking(verdict) for verdict in used if _is_counted(verdict)], evaluation.demands)
    redemption: CouponRedemption = CouponRedemption.objects.create(
        customer=request.customer,
        state=CouponRedemptionState.RESERVED if ttl else CouponRedemptionState.REDEEMED,
        order_reference=request.order_reference,
        goods_minor=evaluation.priced.cart.goods_minor,
        shipping_minor=evaluation.priced.cart.shipping_minor,
        discount_minor=evaluation.priced.discount_minor,
        lines=_lines(evaluation),
        source_type=request.source.type,
        source_id=request.source.id,
        reserved_at=at,
        expires_at=at + ttl if ttl else None,
        redeemed_at=None if ttl else at,
    )
    CouponUse.objects.bulk_create(_use(redemption, verdict) for verdict in used)
    return redemption


def _is_counted(verdict: Verdict) -> bool:
    return verdict.candidate is not None and verdict.candidate.row.is_counted


def _taking(verdict: Verdict) -> Taking:
    if verdict.candidate is None or verdict.applied is None:
        raise CouponsBusy
    is_money = verdict.candidate.terms.benefit is Benefit.STORED_VALUE
    return Taking(verdict.candidate.row.pk, verdict.applied.total_minor if is_money else 0)


def _use(redemption: CouponRedemption, verdict: Verdict) -> CouponUse:
    if verdict.candidate is None or verdict.applied is None:
        raise CouponsBusy
    return CouponUse(
        redemption=redemption,
        code=verdict.candidate.row,
        definition=verdict.candidate.definition,
        discount_minor=verdict.applied.total_minor,
        counters=[demand.to_json() for demand in verdict.demands],
    )


def _lines(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Keep each line's own share, by code: a partial return gives back exactly that."""
    return [
        {
            "sku": line.sku,
            "quantity": line.quantity,
            "amount_minor": line.amount_minor,
            "discounts": {
                applied.code: applied.by_line[index]
                for applied in evaluation.priced.applied
                if applied.by_line[index]
            },
        }
        for index, line in enumerate(evaluation.priced.cart.lines)
    ]

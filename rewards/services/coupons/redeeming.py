"""Taking coupons for a cart: validate, reserve with a time-out, redeem, confirm, release, roll back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connections, transaction

from crm.models import Customer
from rewards.domain.coupon_codes import normalised
from rewards.domain.coupon_pricing import MOST_CODES
from rewards.domain.coupon_terms import Benefit, Cart, Reason
from rewards.locks import lock_coupon_codes, lock_coupon_redemption
from rewards.models import CouponCode, CouponRedemption, CouponRedemptionState, CouponUse
from rewards.queries import coupon_evaluation
from rewards.queries.coupon_evaluation import Evaluation, Verdict
from rewards.queries.coupon_offers import Preloaded
from rewards.services import guesses
from rewards.services.coupons import consumption
from rewards.services.coupons.consumption import Taking
from rewards.services.coupons.errors import CouponsBusy, CouponsRejected, TooManyCodes, WrongCouponState
from rewards.services.ledger import Source
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import active_tenant, tenant_scope
from tenants.services import audit, outbox

RESERVATION = timedelta(minutes=15)
LONGEST_RESERVATION = timedelta(days=1)
_SWEEP = 500
_OVERDUE = """SELECT DISTINCT tenant_id FROM rewards_couponredemption
              WHERE state = 'reserved' AND expires_at <= %s ORDER BY tenant_id"""


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


def validate(*, request: Request, by: Actor, at: datetime) -> Evaluation:
    """Say what a cart would get for its codes; nothing is written.

    Raises ``TooManyCodes``, and ``TooManyGuesses`` after many unknown ones.
    """
    _check(request.codes)
    with _guesses(request, by, at) as unknown:
        evaluation = coupon_evaluation.evaluate(
            codes=request.codes, cart=request.cart, customer=request.customer, tenant=active_tenant(), at=at
        )
        unknown += [verdict.code for verdict in evaluation.verdicts if verdict.candidate is None]
    return evaluation


@contextmanager
def _guesses(request: Request, by: Actor, at: datetime) -> Iterator[list[str]]:
    """Refuse who guesses; afterwards count the unknown codes, also when the call is refused."""
    customer_id = request.customer.pk if request.customer else None
    guessers = guesses.guessers_of(customer_id=customer_id, client=request.client, by=by)
    with guesses.counted(guessers, request.codes, at=at) as unknown:
        try:
            yield unknown
        except CouponsRejected as refusal:
            unknown += [
                each["code"] for each in refusal.extra["codes"]
                if each["reasons"][0]["reason"] == Reason.UNKNOWN_CODE
            ]  # fmt: skip
            raise


@transaction.atomic
def reserve(*, request: Request, by: Actor, at: datetime, ttl: timedelta = RESERVATION) -> CouponRedemption:
    """Take the coupons until ``at + ttl``: then they are given back unless the redemption is confirmed.

    Raises ``CouponsRejected``, ``CouponsBusy`` and ``TooManyCodes``; then nothing was taken.
    """
    with _guesses(request, by, at):
        redemption, is_new = take(request, tenant=active_tenant(), at=at, ttl=min(ttl, LONGEST_RESERVATION))
    if is_new:
        _record(redemption, by=by, at=at)
    return redemption


@transaction.atomic
def redeem(*, request: Request, by: Actor, at: datetime) -> CouponRedemption:
    """Take the coupons of a cart for good, all or none. A repeated source finds the first redemption.

    Raises ``CouponsRejected``, ``CouponsBusy`` and ``TooManyCodes``; then nothing was taken.
    """
    with _guesses(request, by, at):
        redemption, is_new = take(request, tenant=active_tenant(), at=at)
    if is_new:
        _record(redemption, by=by, at=at)
    return redemption


def take(
    request: Request,
    *,
    tenant: Tenant,
    at: datetime,
    ttl: timedelta | None = None,
    preloaded: Preloaded | None = None,
) -> tuple[CouponRedemption, bool]:
    """Evaluate and take in the open transaction; returns the redemption and whether it is new.

    ``preloaded`` is what a batch has read for its carts; codes that count uses are locked all the same.
    """
    _check(request.codes)
    if _may_be_known(request.source, preloaded) and (earlier := _earlier(request.source)) is not None:
        return earlier, False
    rows = _rows(request, preloaded)
    # Whoever held the locks may have been this request's twin.
    has_waited = any(row.is_counted for row in rows)
    if has_waited and (earlier := _earlier(request.source)) is not None:
        return earlier, False
    evaluation = coupon_evaluation.evaluate(
        codes=request.codes, cart=request.cart, customer=request.customer, tenant=tenant, at=at, rows=rows,
        preloaded=preloaded,
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


def _may_be_known(source: Source, preloaded: Preloaded | None) -> bool:
    return preloaded is None or (source.type, source.id) in preloaded.sources


def _rows(request: Request, preloaded: Preloaded | None) -> list[CouponCode]:
    codes = [normalised(code) for code in request.codes]
    if preloaded is not None:
        found = [preloaded.row_by_code[code] for code in codes if code in preloaded.row_by_code]
        if not any(row.is_counted for row in found):
            return found
    return lock_coupon_codes(codes)


def rejected(verdict: Verdict) -> dict[str, Any]:
    """Return a refused code as problems and the back office show it."""
    return {"code": verdict.code, "reasons": [rejection.to_json() for rejection in verdict.rejections]}


def _check(codes: Sequence[str]) -> None:
    if len(codes) > MOST_CODES:
        raise TooManyCodes(f"At most {MOST_CODES} codes a cart.", limit=MOST_CODES)


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


@transaction.atomic
def confirm(
    *, redemption: CouponRedemption, by: Actor, at: datetime, order_reference: str = ""
) -> CouponRedemption:
    """Make a reservation final, also a late one that was not given back yet. Raises ``WrongCouponState``."""
    row = _lock(redemption, CouponRedemptionState.RESERVED)
    row.redeemed_at, row.expires_at = at, None
    row.order_reference = order_reference or row.order_reference
    return _move(row, CouponRedemptionState.REDEEMED, by=by, at=at)


@transaction.atomic
def release(*, redemption: CouponRedemption, by: Actor, at: datetime, reason: str = "") -> CouponRedemption:
    """Give a reservation back: every use, balance and counter. Raises ``WrongCouponState``."""
    row = _lock(redemption, CouponRedemptionState.RESERVED)
    return _give_back(row, CouponRedemptionState.RELEASED, by=by, at=at, reason=reason)


@transaction.atomic
def roll_back(*, redemption: CouponRedemption, by: Actor, at: datetime, reason: str = "") -> CouponRedemption:
    """Undo a redemption, at most once: every use, balance and counter comes back.

    A code that ended meanwhile gets its use back and stays ended. Raises ``WrongCouponState``.
    """
    row = _lock(redemption, CouponRedemptionState.RESERVED, CouponRedemptionState.REDEEMED)
    return _give_back(row, CouponRedemptionState.ROLLED_BACK, by=by, at=at, reason=reason)


def _give_back(
    row: CouponRedemption, state: CouponRedemptionState, *, by: Actor, at: datetime, reason: str
) -> CouponRedemption:
    codes = list(row.uses.select_related("code").order_by("code_id"))
    lock_coupon_codes([use.code.code for use in codes])
    consumption.give_back(codes)
    row.closed_at, row.expires_at, row.reason = at, None, reason[:300]
    return _move(row, state, by=by, at=at)


def release_overdue(*, by: Actor, at: datetime) -> int:
    """Give back the tenant's reservations whose time is over; returns how many."""
    overdue = CouponRedemption.objects.filter(state=CouponRedemptionState.RESERVED, expires_at__lte=at)
    count = 0
    for redemption in overdue.order_by("pk")[:_SWEEP]:
        try:
            release(redemption=redemption, by=by, at=at, reason="The reservation timed out")
        except WrongCouponState:
            continue
        count += 1
    return count


def release_overdue_everywhere(*, by: Actor, at: datetime) -> int:
    """Do it for the tenants that have overdue reservations: the cost follows them, not the tenants."""
    with connections["platform"].cursor() as cursor:
        cursor.execute(_OVERDUE, [at])
        tenant_ids = [row[0] for row in cursor.fetchall()]
    count = 0
    for tenant_id in tenant_ids:
        with tenant_scope(tenant_id):
            count += release_overdue(by=by, at=at)
    return count


def _lock(redemption: CouponRedemption, *allowed: CouponRedemptionState) -> CouponRedemption:
    row = lock_coupon_redemption(redemption.pk)
    if row.state not in allowed:
        raise WrongCouponState(f"The redemption is {row.state}.", state=row.state)
    return row


def _move(
    row: CouponRedemption, state: CouponRedemptionState, *, by: Actor, at: datetime
) -> CouponRedemption:
    before, row.state = row.state, state
    row.save()
    _record(row, before, by=by, at=at)
    return row


def _record(row: CouponRedemption, before: str | None = None, *, by: Actor, at: datetime) -> None:
    diff = {"state": [before, row.state], "discount_minor": [None, row.discount_minor]}
    audit.record(action=f"coupons.{row.state}", target=row, by=by, at=at, diff=diff)
    outbox.publish(topic=f"rewards.coupons_{row.state}", payload={"coupon_redemption_id": row.pk}, at=at)

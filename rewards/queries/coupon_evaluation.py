"""What a cart would get for its codes, and why not: the one evaluation of validate, reserve and redeem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from crm.models import Customer
from rewards.domain.carts import Cart
from rewards.domain.coupon_codes import normalised
from rewards.domain.coupon_limits import Demand, demands, refusals, together
from rewards.domain.coupon_pricing import Applied, Offer, Priced, conflicts, price
from rewards.domain.coupon_reasons import Reason, Rejection
from rewards.domain.coupon_terms import rejections
from rewards.models import CodeState, CouponCode
from rewards.queries import coupon_definitions, coupon_offers
from rewards.queries.coupon_offers import Candidate, Preloaded
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Verdict:
    """One code of the call: refused with reasons, applied, or outdone by a better one of its group."""

    code: str
    candidate: Candidate | None = None
    rejections: tuple[Rejection, ...] = ()
    applied: Applied | None = None
    demands: tuple[Demand, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not self.rejections

    @property
    def is_outdone(self) -> bool:
        return self.is_valid and self.applied is None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All codes of one cart; priced with those that are valid."""

    verdicts: tuple[Verdict, ...]
    priced: Priced

    @property
    def is_valid(self) -> bool:
        return all(verdict.is_valid for verdict in self.verdicts)

    @property
    def demands(self) -> list[Demand]:
        return together(chain.from_iterable(verdict.demands for verdict in self.verdicts))


@dataclass(frozen=True, slots=True)
class _Call:
    cart: Cart
    customer: Customer | None
    tenant: Tenant
    at: datetime
    preloaded: Preloaded | None
    is_past: bool


def evaluate(
    *,
    codes: Sequence[str],
    cart: Cart,
    customer: Customer | None,
    tenant: Tenant,
    at: datetime,
    rows: Sequence[CouponCode] | None = None,
    preloaded: Preloaded | None = None,
    is_past: bool = False,
) -> Evaluation:
    """Check and price; writes nothing. ``rows`` are the codes' rows when the caller has them.

    A cart that ``is_past`` was paid before anybody pulled a brake of today.
    """
    spelled = [normalised(code) for code in codes]
    known = coupon_offers.rows_of(spelled) if rows is None else rows
    call = _Call(coupon_offers.with_categories(cart), customer, tenant, at, preloaded, is_past)
    verdicts = _checked(spelled, coupon_offers.candidates(known, call.cart, preloaded), call)
    return _priced(verdicts, call)


def _checked(spelled: Sequence[str], candidates: dict[str, Candidate], call: _Call) -> list[Verdict]:
    found = list(candidates.values())
    view = coupon_offers.customer_view(call.customer, found)
    received = coupon_offers.received_campaigns(call.customer, found, call.preloaded)
    zone, currency = call.tenant.zone, call.tenant.currency
    verdicts: list[Verdict] = []
    for position, code in enumerate(spelled):
        candidate = candidates.get(code)
        if candidate is None:
            reasons = [Rejection(Reason.UNKNOWN_CODE)]
        elif code in spelled[:position]:
            reasons = [Rejection(Reason.DUPLICATE_CODE)]
        else:
            reasons = [
                *_of_code(candidate.row, call.customer, call.at),
                *_of_offer(candidate, received, call),
                *rejections(candidate.terms, call.cart, view, call.at, zone=zone, currency=currency),
            ]
        verdicts.append(Verdict(code, candidate, _once(reasons)))
    return verdicts


def _once(reasons: Sequence[Rejection]) -> tuple[Rejection, ...]:
    by_reason = {rejection.reason: rejection for rejection in reversed(reasons)}
    return tuple(reversed(by_reason.values()))


def _of_code(row: CouponCode, customer: Customer | None, at: datetime) -> list[Rejection]:
    found = []
    if row.state == CodeState.VOID:
        found.append(Rejection(Reason.VOID))
    if row.state == CodeState.EXPIRED or (row.expires_at is not None and at >= row.expires_at):
        found.append(Rejection(Reason.EXPIRED, at=row.expires_at))
    if row.state == CodeState.RESERVED and row.reserved_until is not None and at < row.reserved_until:
        found.append(Rejection(Reason.RESERVED, at=row.reserved_until))
    is_used_up = row.uses_limit is not None and row.uses >= row.uses_limit
    if is_used_up or row.balance_minor == 0:
        found.append(Rejection(Reason.EXHAUSTED))
    if row.customer_id is not None and customer is None:
        found.append(Rejection(Reason.CUSTOMER_REQUIRED))
    elif row.customer_id is not None and customer is not None and row.customer_id != customer.pk:
        found.append(Rejection(Reason.OTHER_CUSTOMER))
    return found


def _of_offer(candidate: Candidate, received: set[int], call: _Call) -> list[Rejection]:
    found = []
    campaign, customer, at = candidate.campaign, call.customer, call.at
    if not call.is_past and coupon_definitions.is_paused(candidate.definition, at):
        found.append(Rejection(Reason.PAUSED))
    if not candidate.definition.is_active:
        found.append(Rejection(Reason.NOT_OFFERED))
    if candidate.limits.needs_customer and customer is None:
        found.append(Rejection(Reason.CUSTOMER_REQUIRED))
    if campaign is None:
        return found
    if campaign.starts_at is not None and at < campaign.starts_at:
        found.append(Rejection(Reason.NOT_STARTED, at=campaign.starts_at))
    if campaign.ends_at is not None and at >= campaign.ends_at:
        found.append(Rejection(Reason.EXPIRED, at=campaign.ends_at))
    if campaign.is_targeted and campaign.pk not in received:
        found.append(Rejection(Reason.NOT_TARGETED if customer else Reason.CUSTOMER_REQUIRED))
    return found


def _priced(verdicts: Sequence[Verdict], call: _Call) -> Evaluation:
    offers = [
        Offer(each.code, each.candidate.terms, each.candidate.row.balance_minor or 0)
        for each in verdicts
        if each.is_valid and each.candidate
    ]
    clashing = conflicts(offers)
    priced = price(call.cart, [offer for offer in offers if offer.code not in clashing])
    applied_by_code = {applied.code: applied for applied in priced.applied}
    settled = []
    for verdict in verdicts:
        applied = applied_by_code.get(verdict.code) if verdict.is_valid else None
        if verdict.is_valid and verdict.code in clashing:
            settled.append(replace(verdict, rejections=(Rejection(Reason.NOT_COMBINABLE),)))
        elif applied is not None and applied.total_minor == 0:
            settled.append(replace(verdict, rejections=(Rejection(Reason.NOTHING_LEFT),)))
        else:
            settled.append(_with_demands(verdict, applied, call) if applied else verdict)
    return Evaluation(_within_limits(settled), priced)


def _with_demands(verdict: Verdict, applied: Applied, call: _Call) -> Verdict:
    if verdict.candidate is None:
        return verdict
    wanted = demands(
        verdict.candidate.limits,
        code_id=verdict.candidate.row.pk,
        customer_id=call.customer.pk if call.customer else None,
        discount_minor=applied.total_minor,
        at=call.at,
        zone=call.tenant.zone,
    )
    return replace(verdict, applied=applied, demands=tuple(wanted))


def _within_limits(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Refuse the codes whose shared limits are reached, counting the codes before them in the call."""
    keys = {demand.key for verdict in verdicts for demand in verdict.demands}
    used = coupon_offers.counters(keys)
    found = []
    for verdict in verdicts:
        refused = refusals(verdict.demands, used)
        for demand in verdict.demands:
            uses, discount = used.get(demand.key, (0, 0))
            used[demand.key] = (uses + demand.uses, discount + demand.discount_minor)
        found.append(replace(verdict, rejections=tuple(refused)) if refused else verdict)
    return tuple(found)

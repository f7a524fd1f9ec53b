"""What offers, budgets and limits say to no use, as far as that can be decided exactly."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from rewards.domain.coupon_terms import WHOLE, Benefit
from rewards.domain.findings import Finding, Reason, Severity, Value
from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward
from rewards.domain.policies import MemberCap
from rewards.domain.programs import Revision
from rewards.domain.rules import CapPeriod

_BUDGETS: Final = ("limit_discount_minor", "limit_discount_period_minor")
# Limits in a period, and those over all time that they cannot exceed.
_BOUNDS: Final = {
    "uses_per_period": ("limit_uses", "uses_per_customer"),
    "uses_per_code_period": ("limit_uses", "uses_per_code"),
    "limit_uses_period": ("limit_uses",),
}
# As many days as a period has at most.
_DAYS: Final = {CapPeriod.DAY: 1, CapPeriod.WEEK: 7, CapPeriod.MONTH: 31}


def offers(
    revision: Revision, *, known: Collection[str] | None, former: Revision | None, at: datetime | None
) -> Iterator[Finding]:
    """Yield what is to be looked at; ``known`` are coupons outside of the document, ``former`` is in force.

    What has ended is told of what is new or changed: a campaign that ran its course is no mistake.
    """
    for index, coupon in enumerate(revision.coupons):
        if coupon.terms["is_active"]:
            yield from _of_coupon(coupon, f"/coupons/{index}")
    coupons = {each.key: each for each in revision.coupons}
    for index, campaign in enumerate(revision.coupon_campaigns):
        yield from _of_campaign(campaign, f"/coupon_campaigns/{index}", coupons, known, at)
    if at is not None:
        yield from _ended(revision, former, at)
    yield from _caps(revision.policies.member_caps)
    drawn = {rule.budget for rule in revision.rules} | {each.budget for each in revision.challenges}
    for index, budget in enumerate(revision.budgets):
        if budget.key not in drawn:
            yield _warning(Reason.NOBODY_DRAWS, f"/budgets/{index}", budget.key)


def _warning(reason: Reason, pointer: str, key: str, **parameters: Value) -> Finding:
    return Finding(Severity.WARNING, reason, pointer, key, parameters)


def _of_coupon(coupon: OfferedCoupon, pointer: str) -> Iterator[Finding]:
    in_all, by_customer = coupon.terms["limit_uses"], coupon.terms["uses_per_customer"]
    if in_all is not None and by_customer is not None and in_all < by_customer:
        yield _warning(
            Reason.FEWER_THAN_A_CUSTOMER, f"{pointer}/limit_uses", coupon.key, uses=in_all, most=by_customer
        )
    for name, others in _BOUNDS.items():
        bounds = [coupon.terms[other] for other in others if coupon.terms[other] is not None]
        yield from _idle(coupon.terms[name], min(bounds, default=None), f"{pointer}/{name}", coupon.key)
    for name in _BUDGETS:
        yield from _budget(coupon.terms[name], coupon, f"{pointer}/{name}", coupon.key)


def _idle(uses: int | None, most: int | None, pointer: str, key: str) -> Iterator[Finding]:
    if uses is not None and most is not None and uses >= most:
        yield _warning(Reason.PERIOD_NEVER_BITES, pointer, key, uses=uses, most=most)


def _of_campaign(
    campaign: OfferedCampaign,
    pointer: str,
    coupons: dict[str, OfferedCoupon],
    known: Collection[str] | None,
    at: datetime | None,
) -> Iterator[Finding]:
    place_of_period = f"{pointer}/limit_uses_period"
    yield from _idle(campaign.limit_uses_period, campaign.limit_uses, place_of_period, campaign.key)
    for place, key in enumerate(campaign.coupons):
        coupon = coupons.get(key)
        where = f"{pointer}/coupons/{place}"
        if coupon is None:
            if known is not None and key not in known:
                named = {"kind": "coupon", "key": key}
                yield Finding(Severity.ERROR, Reason.MISSING, where, campaign.key, named)
            continue
        if not coupon.terms["is_active"]:
            yield _warning(Reason.COUPON_IS_OFF, where, campaign.key, coupon=key)
        elif _are_apart(campaign, coupon):
            yield _warning(Reason.TIMES_APART, where, campaign.key, coupon=key)
        for name in _BUDGETS:
            yield from _budget(getattr(campaign, name), coupon, f"{pointer}/{name}", campaign.key)


def _are_apart(campaign: OfferedCampaign, coupon: OfferedCoupon) -> bool:
    """Whether the coupon's time and the campaign's have no moment in common."""
    starts = [each for each in (campaign.starts_at, coupon.terms["valid_from"]) if each is not None]
    ends = [each for each in (campaign.ends_at, coupon.terms["valid_until"]) if each is not None]
    return bool(starts and ends) and max(starts) >= min(ends)


def _budget(budget_minor: int | None, coupon: OfferedCoupon, pointer: str, key: str) -> Iterator[Finding]:
    use_minor = _full_use(coupon)
    if budget_minor is not None and use_minor > budget_minor:
        yield _warning(
            Reason.BUDGET_BELOW_USE, pointer, key, coupon=coupon.key, budget_minor=budget_minor,
            use_minor=use_minor,
        )  # fmt: skip


def _full_use(coupon: OfferedCoupon) -> int:
    """Return what one use takes off a cart that it fully applies to; zero where that is not known."""
    terms = coupon.terms
    full = 0
    if coupon.kind == Benefit.AMOUNT:
        full = terms["amount_minor"]
    elif coupon.kind == Benefit.PERCENT and _covers_everything(coupon):
        # No cart that it takes is worth less.
        full = terms["minimum_spend_minor"] * terms["percent_hundredths"] // WHOLE
    most = terms["max_discount_minor"]
    return int(full if most is None else min(full, most))


def _covers_everything(coupon: OfferedCoupon) -> bool:
    terms = coupon.terms
    return not (coupon.items or terms["categories"] or terms["excluded_categories"])


def _ended(revision: Revision, former: Revision | None, at: datetime) -> Iterator[Finding]:
    for section in ("coupons", "coupon_campaigns", "rewards"):
        in_force: list[Any] = list(getattr(former, section)) if former else []
        for index, offer in enumerate(getattr(revision, section)):
            until = _end(offer)
            if until is not None and until <= at and offer not in in_force:
                last = (until - timedelta(microseconds=1)).astimezone(revision.time_zone).date()
                yield _warning(Reason.HAS_ENDED, f"/{section}/{index}", offer.key, ended_on=last.isoformat())


def _end(offer: OfferedCoupon | OfferedCampaign | OfferedReward) -> datetime | None:
    """Return when the offer ends, ``None`` for never and for one that is switched off anyway."""
    if isinstance(offer, OfferedCampaign):
        return offer.ends_at
    if isinstance(offer, OfferedReward):
        return offer.valid_until if offer.is_active else None
    until: datetime | None = offer.terms["valid_until"]
    return until if offer.terms["is_active"] else None


def _caps(caps: tuple[MemberCap, ...]) -> Iterator[Finding]:
    """Yield member caps that the cap of a day lets nobody reach."""
    by_day = {cap.wallet: cap.points for cap in caps if cap.per is CapPeriod.DAY}
    for index, cap in enumerate(caps):
        days, daily = _DAYS.get(cap.per, 0), by_day.get(cap.wallet)
        if days > 1 and daily is not None and daily * days <= cap.points:
            pointer = f"/policies/member_caps/{index}"
            yield _warning(Reason.CAP_NEVER_BITES, pointer, cap.wallet, points=cap.points, daily=daily)

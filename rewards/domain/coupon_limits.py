"""Limits that many codes share: what one use asks of which counter, and what stands against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Final

from rewards.domain.coupon_reasons import Reason, Rejection
from rewards.domain.coupon_validity import Period, period_start

_CUSTOMER: Final = re.compile(r":customer:[0-9]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """A definition's limits and its campaign's; ``None`` does not limit.

    ``per_period`` is what a customer may use in ``period``, ``per_code_period`` what goes on one code.
    """

    definition_id: int
    campaign_id: int | None = None
    uses: int | None = None
    discount_minor: int | None = None
    campaign_uses: int | None = None
    campaign_discount_minor: int | None = None
    per_customer: int | None = None
    per_period: int | None = None
    per_code_period: int | None = None
    period_uses: int | None = None
    period_discount_minor: int | None = None
    period: Period = Period.MONTH
    campaign_period_uses: int | None = None
    campaign_period_discount_minor: int | None = None
    campaign_period: Period = Period.MONTH

    @property
    def needs_customer(self) -> bool:
        return self.per_customer is not None or self.per_period is not None


@dataclass(frozen=True, slots=True)
class Demand:
    """What is taken from one counter, and how far that counter may go."""

    key: str
    uses_limit: int | None
    discount_limit: int | None
    uses_reason: Reason
    discount_reason: Reason
    uses: int = 1
    discount_minor: int = 0

    @property
    def is_limited(self) -> bool:
        return self.uses_limit is not None or self.discount_limit is not None

    def refusal(self, used: tuple[int, int]) -> Rejection | None:
        """Return why the counter, which stands at ``used`` (uses, minor units), cannot take it."""
        uses, discount = used
        if self.uses_limit is not None and uses + self.uses > self.uses_limit:
            return Rejection(self.uses_reason)
        if self.discount_limit is not None and discount + self.discount_minor > self.discount_limit:
            return Rejection(self.discount_reason, discount + self.discount_minor - self.discount_limit)
        return None

    def to_json(self) -> list[Any]:
        """Return what a rollback gives back."""
        return [self.key, self.uses, self.discount_minor]


def demands(
    limits: Limits,
    *,
    code_id: int,
    customer_id: int | None,
    discount_minor: int,
    at: datetime,
    zone: tzinfo,
) -> list[Demand]:
    """Return the counters that one use of a code moves: those with a limit, no others.

    A counter without a limit would be a row that every cart of a popular code waits for. Periods are those of
    the calendar in ``zone``; each has counters of its own, so nothing has to be reset.
    """
    own, campaign = f"definition:{limits.definition_id}", f"campaign:{limits.campaign_id}"
    period = _period(limits.period, at, zone)
    found = [
        Demand(own, limits.uses, limits.discount_minor, Reason.OFFER_LIMIT, Reason.OFFER_BUDGET),
        Demand(
            f"{own}:{period}", limits.period_uses, limits.period_discount_minor,
            Reason.OFFER_PERIOD_LIMIT, Reason.OFFER_PERIOD_BUDGET,
        ),
        Demand(
            campaign, limits.campaign_uses, limits.campaign_discount_minor,
            Reason.CAMPAIGN_LIMIT, Reason.CAMPAIGN_BUDGET,
        ),
        Demand(
            f"{campaign}:{_period(limits.campaign_period, at, zone)}",
            limits.campaign_period_uses, limits.campaign_period_discount_minor,
            Reason.CAMPAIGN_PERIOD_LIMIT, Reason.CAMPAIGN_PERIOD_BUDGET,
        ),
        _of_uses(f"code:{code_id}:{period}", limits.per_code_period, Reason.CODE_PERIOD_LIMIT),
    ]  # fmt: skip
    if customer_id is not None:
        mine = f"{own}:customer:{customer_id}"
        found.append(_of_uses(mine, limits.per_customer, Reason.CUSTOMER_LIMIT))
        found.append(_of_uses(f"{mine}:{period}", limits.per_period, Reason.PERIOD_LIMIT))
    return [replace(demand, discount_minor=discount_minor) for demand in found if demand.is_limited]


def _period(period: Period, at: datetime, zone: tzinfo) -> str:
    return f"{period}:{period_start(period, at, zone)}"


def _of_uses(key: str, most: int | None, reason: Reason) -> Demand:
    return Demand(key, most, None, reason, reason)


def key_of(key: str, customer_id: int | None) -> str:
    """Return a counter's key as it is for the customer of now: a merge may have changed who that is."""
    return key if customer_id is None else _CUSTOMER.sub(f":customer:{customer_id}", key)


def together(many: Iterable[Demand]) -> list[Demand]:
    """Add up what several uses of one call ask of the same counter, in the order of the keys."""
    by_key: dict[str, Demand] = {}
    for demand in many:
        known = by_key.get(demand.key)
        by_key[demand.key] = demand if known is None else replace(
            known, uses=known.uses + demand.uses, discount_minor=known.discount_minor + demand.discount_minor
        )  # fmt: skip
    return [by_key[key] for key in sorted(by_key)]


def refusals(wanted: Iterable[Demand], used: Mapping[str, tuple[int, int]]) -> list[Rejection]:
    """Return what stands against the demands, given where the counters are."""
    found = (demand.refusal(used.get(demand.key, (0, 0))) for demand in wanted)
    return [refusal for refusal in found if refusal is not None]

"""Limits that many codes share: what one use asks of which counter, and what stands against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Final

from rewards.domain.coupon_terms import Period, Reason, Rejection, period_start

_CUSTOMER: Final = re.compile(r":customer:[0-9]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """A definition's limits and its campaign's; ``None`` does not limit."""

    definition_id: int
    campaign_id: int | None = None
    uses: int | None = None
    discount_minor: int | None = None
    campaign_uses: int | None = None
    campaign_discount_minor: int | None = None
    per_customer: int | None = None
    per_period: int | None = None
    period: Period = Period.MONTH

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
    limits: Limits, *, customer_id: int | None, discount_minor: int, at: datetime, zone: tzinfo
) -> list[Demand]:
    """Return the counters that one use of the definition moves: those with a limit, no others.

    A counter without a limit would be a row that every cart of a popular code waits for.
    """
    found = []
    own = f"definition:{limits.definition_id}"
    if limits.uses is not None or limits.discount_minor is not None:
        found.append(Demand(own, limits.uses, limits.discount_minor, Reason.OFFER_LIMIT, Reason.OFFER_BUDGET))
    if limits.campaign_uses is not None or limits.campaign_discount_minor is not None:
        found.append(
            Demand(
                f"campaign:{limits.campaign_id}", limits.campaign_uses, limits.campaign_discount_minor,
                Reason.CAMPAIGN_LIMIT, Reason.CAMPAIGN_BUDGET,
            )
        )  # fmt: skip
    if customer_id is not None:
        found += _of_customer(limits, own, customer_id, at, zone)
    return [replace(demand, discount_minor=discount_minor) for demand in found]


def _of_customer(limits: Limits, own: str, customer_id: int, at: datetime, zone: tzinfo) -> Iterable[Demand]:
    key = f"{own}:customer:{customer_id}"
    reason = Reason.CUSTOMER_LIMIT
    if limits.per_customer is not None:
        yield Demand(key, limits.per_customer, None, reason, reason)
    if limits.per_period is not None:
        since = period_start(limits.period, at, zone)
        reason = Reason.PERIOD_LIMIT
        yield Demand(f"{key}:{limits.period}:{since}", limits.per_period, None, reason, reason)


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

"""Why a coupon is refused, for machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a code is refused; stable, for machines."""

    UNKNOWN_CODE = "unknown_code"
    DUPLICATE_CODE = "duplicate_code"
    NOT_OFFERED = "not_offered"
    PAUSED = "paused"
    VOID = "void"
    EXHAUSTED = "exhausted"
    RESERVED = "reserved"
    OTHER_CUSTOMER = "other_customer"
    NOT_TARGETED = "not_targeted"
    CUSTOMER_REQUIRED = "customer_required"
    CUSTOMER_NOT_ACTIVE = "customer_not_active"
    NOT_STARTED = "not_started"
    EXPIRED = "expired"
    WEEKDAY = "weekday"
    HOUR = "hour"
    CURRENCY = "currency"
    CHANNEL = "channel"
    MINIMUM_SPEND = "minimum_spend"
    MINIMUM_QUANTITY = "minimum_quantity"
    NO_ELIGIBLE_ITEMS = "no_eligible_items"
    NO_SHIPPING = "no_shipping"
    SEGMENT = "segment"
    TIER = "tier"
    FIRST_PURCHASE = "first_purchase"
    CUSTOMER_RULE = "customer_rule"
    CUSTOMER_LIMIT = "customer_limit"
    PERIOD_LIMIT = "period_limit"
    CODE_PERIOD_LIMIT = "code_period_limit"
    OFFER_LIMIT = "offer_limit"
    OFFER_BUDGET = "offer_budget"
    OFFER_PERIOD_LIMIT = "offer_period_limit"
    OFFER_PERIOD_BUDGET = "offer_period_budget"
    CAMPAIGN_LIMIT = "campaign_limit"
    CAMPAIGN_BUDGET = "campaign_budget"
    CAMPAIGN_PERIOD_LIMIT = "campaign_period_limit"
    CAMPAIGN_PERIOD_BUDGET = "campaign_period_budget"
    NOT_COMBINABLE = "not_combinable"
    NOTHING_LEFT = "nothing_left"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason; ``missing`` is the distance to the limit (minor units, pieces), ``at`` when it changes."""

    reason: Reason
    missing: int | None = None
    at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"reason": self.reason.value}
        if self.missing is not None:
            found["missing"] = self.missing
        if self.at is not None:
            found["at"] = self.at.isoformat()
        return found

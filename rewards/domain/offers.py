"""What a program offers beside points: rewards of the catalogue, coupons, and what a referral pays.

A revision that names them governs them: publishing writes them into force, and they are changed by the next
revision only. Stock, codes and uses are counted live and belong to no revision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from rewards.domain.coupon_codes import normalised


class RewardKind(StrEnum):
    COUPON = "coupon"
    PRODUCT = "product"
    GIFT_CARD = "gift_card"
    DONATION = "donation"
    EXPERIENCE = "experience"
    CUSTOM = "custom"


def _no_prices() -> Mapping[str, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OfferedReward:
    """A reward of the catalogue; ``stock`` is what there is when it is first published, ``None`` no limit.

    ``prices`` are points by another wallet, ``coupon`` the definition whose codes it hands out.
    """

    key: str
    name: str
    kind: RewardKind
    wallet: str
    cost_points: int
    description: str = ""
    prices: Mapping[str, int] = field(default_factory=_no_prices)
    coupon: str = ""
    segments: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    limit_per_customer: int | None = None
    needs_shipping: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    stock: int | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class OfferedCoupon:
    """A coupon definition: ``terms`` by their names, ``items`` by the client's ids, none for all.

    ``generic_code`` is a code for everybody that publishing makes; it stays when a later revision has none.
    """

    key: str
    name: str
    kind: str
    terms: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    items: tuple[str, ...] = ()
    generic_code: str = ""


@dataclass(frozen=True, slots=True)
class OfferedCampaign:
    """Coupons by their keys under one time and one budget; who received them is counted live."""

    key: str
    name: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_targeted: bool = False
    limit_uses: int | None = None
    limit_discount_minor: int | None = None
    limit_uses_period: int | None = None
    limit_discount_period_minor: int | None = None
    period: str = "month"
    coupons: tuple[str, ...] = ()


class ReferralReward(StrEnum):
    NOTHING = "nothing"
    POINTS = "points"
    COUPON = "coupon"


class ReferralQualification(StrEnum):
    FIRST_ORDER = "first_order"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class ReferralTerms:
    """What both sides of a referral get, and when; ``upper_points`` are those of further levels."""

    is_active: bool = True
    wallet: str = "points"
    referrer_kind: ReferralReward = ReferralReward.POINTS
    referrer_points: int = 0
    referrer_coupon: str = ""
    referee_kind: ReferralReward = ReferralReward.POINTS
    referee_points: int = 0
    referee_coupon: str = ""
    qualification: ReferralQualification = ReferralQualification.FIRST_ORDER
    minimum_order_minor: int = 0
    event_name: str = ""
    within_days: int = 90
    upper_points: tuple[int, ...] = ()

    @property
    def pays_points(self) -> bool:
        """Whether anybody may get points."""
        return ReferralReward.POINTS in {self.referrer_kind, self.referee_kind} or bool(self.upper_points)


def is_same(offer: Any, live: Any) -> bool:
    """Whether an offer is in force as it is written: the order of items and coupons says nothing.

    A code for everybody stays when a revision names none, and stock is counted live.
    """
    if isinstance(offer, OfferedCoupon) and isinstance(live, OfferedCoupon):
        code = normalised(offer.generic_code) or live.generic_code
        has_same_items = sorted(offer.items) == sorted(live.items)
        return has_same_items and bool(replace(offer, items=live.items, generic_code=code) == live)
    if isinstance(offer, OfferedCampaign):
        return bool(replace(offer, coupons=tuple(sorted(offer.coupons))) == live)
    if isinstance(offer, OfferedReward):
        return bool(replace(offer, stock=None) == live)
    return bool(offer == live)

"""Offers as they are configured: as the draft has them, or else as they are in force."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward, ReferralTerms, is_same
from rewards.domain.policies import USUAL_VELOCITY, VelocityLimit
from rewards.domain.programs import Revision
from rewards.models import CouponCampaign, CouponDefinition, ProgramRevision, Reward
from rewards.queries import compiled_revisions, offers, programs
from tenants.errors import NotFound

_LIVE: Final[Mapping[str, Callable[[Collection[str]], Sequence[Any]]]] = {
    "rewards": offers.rewards, "coupons": offers.coupons, "coupon_campaigns": offers.campaigns,
}  # fmt: skip
_MODEL: Final[Mapping[str, type[Reward | CouponDefinition | CouponCampaign]]] = {
    "rewards": Reward, "coupons": CouponDefinition, "coupon_campaigns": CouponCampaign,
}  # fmt: skip
_Offer = TypeVar("_Offer", OfferedReward, OfferedCoupon, OfferedCampaign)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An offer that the draft with this number says otherwise than it is in force; a new one has no row."""

    number: int
    key: str
    name: str
    is_new: bool


def open_row() -> ProgramRevision | None:
    """Return the revision that the next one starts from, if it is not the one in force."""
    return programs.draft() or programs.open_revision()


def latest() -> Revision | None:
    """Return what the draft says, or else what is in force; ``None`` while there is neither."""
    row = open_row() or programs.current()
    return None if row is None else compiled_revisions.revision_of(row)


def reward(key: str) -> OfferedReward:
    """Return a reward. Raises ``NotFound``."""
    revision = latest()
    return _found(key, revision.rewards if revision else (), offers.rewards([key]))


def coupon(key: str) -> OfferedCoupon:
    """Return a coupon. Raises ``NotFound``."""
    revision = latest()
    return _found(key, revision.coupons if revision else (), offers.coupons([key]))


def campaign(key: str) -> OfferedCampaign:
    """Return a coupon campaign. Raises ``NotFound``."""
    revision = latest()
    return _found(key, revision.coupon_campaigns if revision else (), offers.campaigns([key]))


def campaign_of(coupon: str) -> str:
    """Return the key of the campaign that a coupon belongs to, empty for none."""
    revision = latest()
    drafted = revision.coupon_campaigns if revision else ()
    owner = next((each.key for each in drafted if coupon in each.coupons), "")
    if owner or is_written("coupons", coupon):
        return owner
    row = CouponDefinition.objects.select_related("campaign").filter(key=coupon).first()
    return row.campaign.key if row and row.campaign else ""


def referral() -> ReferralTerms | None:
    """Return what a referral pays."""
    revision = latest()
    return (revision.referral if revision else None) or offers.referral()


def keys(section: str) -> set[str]:
    """Return the keys that a new offer cannot have: of rows, also of those switched off, and of the draft."""
    revision = latest()
    drafted = {each.key for each in getattr(revision, section)} if revision else set()
    return drafted | set(_MODEL[section].objects.values_list("key", flat=True))


def paces() -> list[VelocityLimit]:
    """Return the limits of pace, the usual ones where neither the draft nor the tenant has one."""
    revision = latest()
    own = {each.kind: each for each in offers.velocity_limits()}
    drafted = {each.kind: each for each in revision.policies.velocity_limits} if revision else {}
    return [drafted.get(usual.kind) or own.get(usual.kind) or usual for usual in USUAL_VELOCITY]


def is_written(section: str, key: str) -> bool:
    """Whether the draft or the program in force names it."""
    revision = latest()
    return revision is not None and any(each.key == key for each in getattr(revision, section))


def waiting(section: str) -> list[Waiting]:
    """Return what waits of ``rewards``, ``coupons`` or ``coupon_campaigns`` for its publication."""
    row = open_row()
    if row is None:
        return []
    current = programs.current()
    former = getattr(compiled_revisions.revision_of(current), section) if current else ()
    governed = {each.key: each for each in former}
    drafted = getattr(compiled_revisions.revision_of(row), section)
    changed = [each for each in drafted if governed.get(each.key) != each]
    live = {each.key: each for each in _LIVE[section]([each.key for each in changed])}
    return [
        Waiting(row.number, each.key, each.name, is_new=each.key not in live)
        for each in changed
        if not is_same(each, live.get(each.key))
    ]


def _found(key: str, drafted: Sequence[_Offer], live: Sequence[_Offer]) -> _Offer:
    for place in (drafted, live):
        for each in place:
            if each.key == key:
                return each
    raise NotFound(f"There is no {key!r}.")

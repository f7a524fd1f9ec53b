"""New offers, and changes of what is named, written into the draft of the program."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from django.db import transaction

from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward
from rewards.models import CouponCampaign, CouponDefinition, Reward
from rewards.queries import configured
from rewards.services import catalogue, offer_drafts
from rewards.services.catalogue import RewardKeyTaken
from rewards.services.coupons import definitions
from rewards.services.coupons.campaigns import CampaignKeyTaken
from rewards.services.coupons.definitions import DefinitionKeyTaken
from rewards.services.offer_drafts import Drafted
from tenants.domain.actors import Actor

_Keyed: TypeAlias = OfferedReward | OfferedCoupon | OfferedCampaign


@transaction.atomic
def create(*, offer: _Keyed, by: Actor, at: datetime, campaign: str | None = None) -> Drafted:
    """Write a new offer into the draft. One with its key that only waits there is replaced.

    Raises ``RewardKeyTaken``, ``DefinitionKeyTaken`` or ``CampaignKeyTaken`` where the key is in force, and
    what ``offer_drafts.put`` raises.
    """
    if isinstance(offer, OfferedReward):
        if Reward.objects.filter(key=offer.key).exists():
            raise RewardKeyTaken(key=offer.key)
    elif isinstance(offer, OfferedCoupon):
        if CouponDefinition.objects.filter(key=offer.key).exists():
            raise DefinitionKeyTaken(key=offer.key)
    elif CouponCampaign.objects.filter(key=offer.key).exists():
        raise CampaignKeyTaken(key=offer.key)
    return offer_drafts.put(offer, campaign=campaign, by=by, at=at)


@transaction.atomic
def change_reward(*, reward: Reward, values: Mapping[str, Any], by: Actor, at: datetime) -> Drafted | None:
    """Change the named fields of ``OfferedReward`` in the draft, the stock at once; what is not named stays.

    ``None`` when only the stock was named. Raises what ``offer_drafts.put`` raises.
    """
    asked = dict(values)
    if "stock" in asked:
        catalogue.set_stock(reward=reward, stock=asked.pop("stock"), by=by, at=at)
        if not asked:
            return None
    former = configured.reward(reward.key)
    return offer_drafts.put(replace(former, **asked), by=by, at=at)


@transaction.atomic
def change_coupon(
    *,
    definition: CouponDefinition,
    values: Mapping[str, Any],
    by: Actor,
    at: datetime,
    items: Collection[str] | None = None,
    generic_code: str = "",
    campaign: str | None = None,
) -> Drafted:
    """Change the named terms, ``name`` and ``kind`` in the draft; what is not named stays.

    ``campaign`` is a key, empty for none. Raises what ``offer_drafts.put`` raises.
    """
    former, terms = configured.coupon(definition.key), dict(values)
    said: dict[str, Any] = {name: terms.pop(name) for name in ("name", "kind") if name in terms}
    if items is not None:
        said["items"] = tuple(items)
    if generic_code:
        said["generic_code"] = generic_code
    changed = replace(former, terms={**former.terms, **terms}, **said)
    return offer_drafts.put(changed, campaign=campaign, by=by, at=at)


@transaction.atomic
def change_campaign(
    *, campaign: CouponCampaign, values: Mapping[str, Any], by: Actor, at: datetime
) -> Drafted:
    """Change the named fields of ``OfferedCampaign`` in the draft. Raises what ``put`` raises."""
    former = configured.campaign(campaign.key)
    return offer_drafts.put(replace(former, **values), by=by, at=at)


@transaction.atomic
def archive_coupon(*, definition: CouponDefinition, by: Actor, at: datetime) -> CouponDefinition:
    """Offer the coupon no more, at once. The draft says so too: else its publication would bring it back."""
    row = definitions.switch_off(definition=definition, by=by, at=at)
    if configured.is_written("coupons", row.key):
        former = configured.coupon(row.key)
        offer_drafts.put(replace(former, terms={**former.terms, "is_active": False}), by=by, at=at)
    return row

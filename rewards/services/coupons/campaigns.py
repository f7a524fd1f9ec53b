"""Coupon campaigns: a shared budget, and who received the coupons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from rewards.models import CouponCampaign, CouponRecipient
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput
from tenants.services import audit


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    """What staff decide; the limits count all definitions of the campaign together."""

    name: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_targeted: bool = False
    limit_uses: int | None = None
    limit_discount_minor: int | None = None


@transaction.atomic
def save(*, key: str, terms: CampaignTerms, by: Actor, at: datetime) -> CouponCampaign:
    """Create the campaign with this key, or change it. Raises ``InvalidInput``."""
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        raise InvalidInput(errors=[FieldError("/ends_at", "before_start", "The end is after the start.")])
    values = asdict(terms)
    campaign, _created = CouponCampaign.objects.update_or_create(
        key=key, defaults=values, create_defaults={**values, "created_at": at}
    )
    audit.record(action="coupon_campaign.saved", target=campaign, by=by, at=at)
    found: CouponCampaign = campaign
    return found


def add_recipients(*, campaign: CouponCampaign, customer_ids: Collection[int], at: datetime) -> int:
    """Note who received the campaign's coupons; returns how many are new."""
    before = campaign.recipients.count()
    CouponRecipient.objects.bulk_create(
        [
            CouponRecipient(campaign=campaign, customer_id=customer_id, received_at=at)
            for customer_id in sorted(set(customer_ids))
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )
    return int(campaign.recipients.count() - before)

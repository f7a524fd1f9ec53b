"""Many offers at once, as a retailer's coupon file brings them: definitions, items and printed codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from rewards.models import CouponCampaign, CouponCode, CouponDefinition
from rewards.services.coupons.definition_terms import DefinitionTerms, columns_of
from rewards.services.coupons.issuing import values_of
from tenants.domain.actors import Actor
from tenants.scope import active_tenant_id
from tenants.services import audit

_BATCH: Final = 2_000
_STAGE: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_coupon_item
    (definition_id bigint NOT NULL, sku text COLLATE "C" NOT NULL) ON COMMIT DROP;
TRUNCATE staged_coupon_item
"""
_ADD_ITEMS: Final = """
INSERT INTO rewards_couponitem (tenant_id, definition_id, item_id)
SELECT i.tenant_id, s.definition_id, i.id
FROM staged_coupon_item s JOIN crm_item i ON i.tenant_id = %s AND i.external_id = s.sku
ORDER BY s.definition_id, i.id ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class NewOffer:
    """One row of the file: terms, the code everybody reads off the coupon, and the items it is about."""

    key: str
    terms: DefinitionTerms
    code: str
    campaign: CouponCampaign | None = None
    skus: Sequence[str] = field(default_factory=tuple)


@transaction.atomic
def add(*, offers: Sequence[NewOffer], by: Actor, at: datetime) -> int:
    """Add the offers that are not known yet, each with its code; returns how many are new.

    Items nobody knows are left out: an old file names products that are gone. The terms are taken as they
    are; ``definitions.save`` is for what staff type.
    """
    known = set(CouponDefinition.objects.values_list("key", flat=True))
    new = [offer for offer in offers if offer.key not in known]
    definitions = CouponDefinition.objects.bulk_create(
        [
            CouponDefinition(
                key=offer.key,
                campaign=offer.campaign,
                has_items=bool(offer.skus),
                created_at=at,
                updated_at=at,
                **columns_of(offer.terms),
            )
            for offer in new
        ],
        batch_size=_BATCH,
    )
    CouponCode.objects.bulk_create(
        [
            CouponCode(definition=definition, code=offer.code, is_generic=True, **values_of(definition))
            for definition, offer in zip(definitions, new, strict=True)
        ],
        batch_size=_BATCH,
    )
    _add_items([(definition.pk, offer.skus) for definition, offer in zip(definitions, new, strict=True)])
    for campaign in {offer.campaign for offer in new if offer.campaign}:
        audit.record(action="coupon_campaign.loaded", target=campaign, by=by, at=at)
    return len(new)


def _add_items(skus_by_definition: Sequence[tuple[int, Sequence[str]]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.cursor.copy("COPY staged_coupon_item (definition_id, sku) FROM STDIN") as copy:
            for definition_id, skus in skus_by_definition:
                for sku in skus:
                    copy.write_row((definition_id, sku))
        cursor.execute("ANALYZE staged_coupon_item")
        cursor.execute(_ADD_ITEMS, [active_tenant_id()])
        cursor.execute("SELECT rewards_analyze_coupons()")

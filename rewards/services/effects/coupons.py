"""Coupons: one code an event and rule, for ever."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

import structlog

from rewards.domain.effects import IssueCoupon
from rewards.queries.programs import PublishedRevision
from rewards.services import coupons
from rewards.services.coupons.errors import NoCodes
from rewards.services.effects.given import Given
from rewards.services.ledger import Source
from tenants.domain.actors import Actor
from tenants.errors import NotFound

SOURCE: Final = "rule"
log = structlog.get_logger(__name__)


def carry_out(
    given: Sequence[Given[IssueCoupon]], *, published: PublishedRevision, by: Actor, at: datetime
) -> AbstractSet[int]:
    """Issue a code an effect; a definition that is gone or has no codes left costs the event nothing else."""
    for item in given:
        source = Source(SOURCE, f"{item.event_type}:{item.event_id}:{item.effect.rule}:{item.effect.coupon}")
        try:
            coupons.issue(
                customer_id=item.customer_id,
                definition_key=item.effect.coupon,
                source=source,
                by=by,
                at=at,
            )
        except (NotFound, NoCodes) as refusal:
            log.warning("coupon.not_issued", coupon=item.effect.coupon, reason=refusal.code)
    return frozenset()

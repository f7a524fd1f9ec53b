"""Coupons: one code an effect, issued once for the event and rule that gave it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from rewards.domain.effects import IssueCoupon
from rewards.queries.programs import PublishedRevision
from rewards.services.coupons import issuing
from rewards.services.effects import refusals
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import Refused
from tenants.domain.actors import Actor
from tenants.errors import DomainError


def carry_out(
    given: Sequence[Given[IssueCoupon]],
    *,
    published: PublishedRevision,
    by: Actor,
    at: datetime,
) -> Refused:
    """Issue the codes. A definition that is gone or empty costs the coupon, never the points beside it."""
    withheld = []
    for item in given:
        try:
            with transaction.atomic():
                issuing.issue(
                    customer_id=item.customer_id,
                    definition_key=item.effect.coupon,
                    source=item.source_of(item.effect.coupon),
                    by=by,
                    at=at,
                )
        except DomainError as error:
            withheld.append(refusals.tell(item, error, at=at))
    return Refused(effects=tuple(withheld))

"""How fast a customer's carts with coupons may follow each other."""

from __future__ import annotations

from datetime import datetime

from rewards.domain.policies import Pace
from rewards.models import CouponRedemption
from rewards.services import velocity
from rewards.services.coupons.errors import CouponsTooFast
from rewards.services.coupons.takings import Request


def keep(request: Request, *, at: datetime) -> None:
    """Let a customer's cart pass within the tenant's velocity limit, and a retry always.

    A checkout cannot wait for a person: what comes too fast is refused with ``CouponsTooFast``, a review is
    opened, and its approval lets the customer begin anew. Holds the customer's pace until the transaction
    ends.
    """
    customer, source = request.customer, request.source
    if customer is None:
        return
    limit = velocity.exceeded(Pace.COUPONS, customer_id=customer.pk, at=at)
    if limit is None:
        return
    if CouponRedemption.objects.filter(source_type=source.type, source_id=source.id).exists():
        return
    raise CouponsTooFast(**velocity.refusal(limit, customer, at=at))

"""What this app does when a customer is erased: the books stay, what staff typed goes."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from rewards.models import (
    AbuseReview,
    AdjustmentRequest,
    CouponCode,
    CouponRedemption,
    Redemption,
    Referral,
    TierMembership,
)


@transaction.atomic
def empty_reasons(*, customer_id: int) -> None:
    """Empty the free text about one customer; points, tiers and codes stay by number. Safe to repeat."""
    AbuseReview.objects.filter(customer_id=customer_id).exclude(reason="").update(reason="")
    asked = AdjustmentRequest.objects.filter(customer_id=customer_id)
    asked.exclude(reason="", decision_note="").update(reason="", decision_note="")
    CouponCode.objects.filter(customer_id=customer_id).exclude(void_reason="").update(void_reason="")
    CouponRedemption.objects.filter(customer_id=customer_id).exclude(reason="").update(reason="")
    redeemed = Redemption.objects.filter(customer_id=customer_id)
    redeemed.exclude(cancel_reason="", tracking="").update(cancel_reason="", tracking="")
    Referral.objects.filter(Q(referrer_id=customer_id) | Q(referee_id=customer_id)).update(reason="")
    TierMembership.objects.filter(customer_id=customer_id).exclude(lock_reason="").update(lock_reason="")

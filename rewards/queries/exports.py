"""What this app keeps about one customer, for their archive."""

from __future__ import annotations

from typing import Any

from rewards.models import CouponCode, LedgerEntry, Redemption, TierMembership
from rewards.queries import reports


def of_customer(customer_id: int) -> dict[str, Any]:
    """Return the ledger, redemptions, coupons, tier and decisions as rows of plain values."""
    entries = LedgerEntry.objects.filter(account__customer_id=customer_id).order_by("account_id", "seq")
    redemptions = Redemption.objects.filter(customer_id=customer_id).order_by("pk")
    coupons = CouponCode.objects.filter(customer_id=customer_id).order_by("pk")
    tiers = TierMembership.objects.filter(customer_id=customer_id)
    decisions = reports.decisions_of(customer_id).order_by("occurred_at")
    return {
        "ledger": list(
            entries.values(
                "account__wallet__key", "seq", "points", "balance_after", "transaction__kind",
                "transaction__reason", "transaction__occurred_at",
            )
        ),
        "redemptions": list(
            redemptions.values("reward__name", "points", "granted_by", "state", "reserved_at")
        ),
        "coupons": list(coupons.values("code", "state", "issued_at", "expires_at")),
        "tiers": list(tiers.values("tier_key", "since")),
        "decisions": list(decisions.values("event_type", "occurred_at", "points", "record")),
    }  # fmt: skip

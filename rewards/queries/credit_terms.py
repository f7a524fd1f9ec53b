"""Under which dates points are credited that no order and no event of a rule earned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from rewards.domain.wallets import CreditTerms, WalletPolicy
from rewards.queries import tiers


def of_earned(
    policy: WalletPolicy | None, *, zone: tzinfo, earned: Sequence[tuple[int, datetime]]
) -> list[CreditTerms]:
    """Return the terms of what customers earned at moments, by the tier that was recorded for them then.

    A wallet without a policy knows no dates.
    """
    if policy is None:
        return [CreditTerms()] * len(earned)
    held = tiers.at_moments(earned) if policy.expiry_by_tier else [None] * len(earned)
    return [policy.terms(at, zone, tier) for (_customer, at), tier in zip(earned, held, strict=True)]


def of_one(
    policy: WalletPolicy | None, *, zone: tzinfo, customer_id: int, earned_at: datetime
) -> CreditTerms:
    """Return the terms of what one customer earned at a moment."""
    return of_earned(policy, zone=zone, earned=[(customer_id, earned_at)])[0]

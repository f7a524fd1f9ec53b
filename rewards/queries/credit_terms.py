"""Under which dates points are credited that no order and no event of a rule earned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from rewards.domain.wallets import MANUAL, WalletPolicy
from rewards.queries import tiers


class CreditTerms(NamedTuple):
    """When a credit ends, when its wait is over, and what it waits for; ``None`` for never and nothing."""

    expires_at: datetime | None = None
    activates_at: datetime | None = None
    awaits: str | None = None


def of_earned(
    policy: WalletPolicy | None, *, zone: tzinfo, earned: Sequence[tuple[int, datetime]]
) -> list[CreditTerms]:
    """Return the terms of what customers earned at moments, by the tier that was recorded for them then.

    A wallet without a policy knows no dates. Staff can be waited for; an event cannot, for no order is named.
    """
    if policy is None:
        return [CreditTerms()] * len(earned)
    held = tiers.at_moments(earned) if policy.expiry_by_tier else [None] * len(earned)
    awaits = MANUAL if policy.pending.event == MANUAL else None
    return [
        CreditTerms(policy.expires_at(at, zone, tier), policy.pending.activates_at(at, zone), awaits)
        for (_customer, at), tier in zip(earned, held, strict=True)
    ]


def of_one(
    policy: WalletPolicy | None, *, zone: tzinfo, customer_id: int, earned_at: datetime
) -> CreditTerms:
    """Return the terms of what one customer earned at a moment."""
    return of_earned(policy, zone=zone, earned=[(customer_id, earned_at)])[0]

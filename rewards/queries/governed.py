"""What the revision in force governs, and nobody changes in place."""

from __future__ import annotations

from rewards.queries import programs


def governs_reward(key: str) -> bool:
    """Whether the program in force says what the reward is."""
    published = programs.published()
    return published is not None and any(each.key == key for each in published.revision.rewards)


def governs_coupon(key: str) -> bool:
    """Whether the program in force says what the coupon is."""
    published = programs.published()
    return published is not None and any(each.key == key for each in published.revision.coupons)


def governs_referral() -> bool:
    """Whether the program in force says what a referral pays."""
    published = programs.published()
    return published is not None and published.revision.referral is not None

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


def governs_campaign(key: str) -> bool:
    """Whether the program in force says what the coupon campaign is."""
    published = programs.published()
    return published is not None and any(each.key == key for each in published.revision.coupon_campaigns)


def governs_velocity(kind: str) -> bool:
    """Whether the program in force says how many of this kind are too many."""
    published = programs.published()
    limits = published.revision.policies.velocity_limits if published else ()
    return any(each.kind == kind for each in limits)

"""Sections of the program's document, and kinds of change, in words."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy

from rewards.domain.comparison import ChangeKind

SECTION_LABELS: Final = {
    "wallets": gettext_lazy("Wallet"),
    "tiers": gettext_lazy("Tier"),
    "rules": gettext_lazy("Rule"),
    "budgets": gettext_lazy("Budget"),
    "policies": gettext_lazy("Policies"),
    "challenges": gettext_lazy("Challenge"),
    "qualification": gettext_lazy("Tier qualification"),
    "rewards": gettext_lazy("Reward"),
    "coupons": gettext_lazy("Coupon"),
    "coupon_campaigns": gettext_lazy("Coupon campaign"),
    "referral": gettext_lazy("Referral"),
}
KIND_LABELS: Final = {
    ChangeKind.ADDED: gettext_lazy("New"),
    ChangeKind.REMOVED: gettext_lazy("Removed"),
    ChangeKind.CHANGED: gettext_lazy("Changed"),
}

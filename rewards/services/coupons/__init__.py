"""Coupons: definitions, pools of codes, issuing them, and taking them for a cart."""

from rewards.services.coupons.issuing import issue

__all__ = ["issue"]

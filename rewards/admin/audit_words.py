"""What happens in the loyalty domain, as the audit log says it."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.admin.audit_words import Words

WORDS: Final[dict[Words, dict[str, Words]]] = {
    _("Program"): {
        "program.draft_saved": _("Saved a draft of the program"),
        "program.rehearsed": _("Rehearsed a revision"),
        "program.submitted": _("Asked for a review of a revision"),
        "program.changes_requested": _("Asked for changes to a revision"),
        "program.approved": _("Approved a revision"),
        "program.self_approved": _("Approved their own revision"),
        "program.published": _("Published a revision"),
        "program.draft_updated": _("Brought a draft up to date"),
        "program.newer_undone": _("Kept a draft as it is, without what was published since"),
        "program.rolled_back": _("Rolled back to an earlier revision"),
        "program.self_approval_changed": _("Changed whether one may approve one's own revision"),
        "program.rehearsal_policy_changed": _("Changed whether a rehearsal is needed"),
        "program.brake_pulled": _("Pulled the emergency brake"),
        "program.brake_released": _("Released the emergency brake"),
        "preset.installed": _("Installed a starter program"),
    },
    _("Tiers and challenges"): {
        "tier.locked": _("Locked a customer's tier"),
        "tier.unlocked": _("Unlocked a customer's tier"),
        "challenge.opted_in": _("Entered a customer in a challenge"),
        "challenge.opted_out": _("Took a customer out of a challenge"),
    },
    _("Points"): {
        "points.adjusted": _("Adjusted points"),
        "points.adjustment_requested": _("Asked for an adjustment of points"),
        "points.adjustment_approved": _("Approved an adjustment of points"),
        "points.adjustment_rejected": _("Rejected an adjustment of points"),
        "points.released": _("Released pending points"),
        "points.cancelled": _("Cancelled pending points"),
        "points.reversed": _("Reversed a posting"),
        "points.transferred": _("Transferred points"),
        "points.balances_posted": _("Posted imported balances"),
        "points.account_frozen": _("Froze a points account"),
        "points.account_unfrozen": _("Unfroze a points account"),
    },
    _("Rewards and redemptions"): {
        "reward.saved": _("Saved a reward"),
        "redemption.reserved": _("Reserved a reward"),
        "redemption.confirmed": _("Redeemed a reward"),
        "redemption.packed": _("Packed a reward"),
        "redemption.shipped": _("Shipped a reward"),
        "redemption.delivered": _("Delivered a reward"),
        "redemption.fulfilled": _("Fulfilled a redemption"),
        "redemption.cancelled": _("Cancelled a redemption"),
        "redemption.refunded": _("Refunded a redemption"),
    },
    _("Coupons"): {
        "coupon_definition.saved": _("Saved a coupon"),
        "coupon_pool.ordered": _("Ordered coupon codes"),
        "coupon_pool.imported": _("Imported coupon codes"),
        "coupon_code.voided": _("Switched a coupon code off"),
        "coupon_campaign.saved": _("Saved a coupon campaign"),
        "coupon_campaign.loaded": _("Loaded a coupon campaign"),
        "coupon_campaign.recipients_added": _("Added recipients to a coupon campaign"),
        "coupons.reserved": _("Reserved coupons"),
        "coupons.redeemed": _("Redeemed coupons"),
        "coupons.released": _("Released reserved coupons"),
        "coupons.rolled_back": _("Rolled back redeemed coupons"),
    },
    _("Referrals and reviews"): {
        "referral_program.saved": _("Saved the referral terms"),
        "referral.pending": _("Recorded a referral"),
        "referral.qualified": _("Qualified a referral"),
        "referral.rewarded": _("Rewarded a referral"),
        "referral.rejected": _("Rejected a referral"),
        "referral.in_review": _("Held a referral for review"),
        "review.approved": _("Let a held case pass"),
        "review.rejected": _("Rejected a held case"),
        "velocity_limit.saved": _("Saved a velocity limit"),
    },
}

# What the differences of entries name beside the columns of tables; sections of the document before all.
FIELDS: Final[dict[str, Words]] = {
    "wallets": _("Wallets"),
    "tiers": _("Tiers"),
    "rules": _("Earning rules"),
    "budgets": _("Budgets"),
    "policies": _("Policies"),
    "challenges": _("Challenges"),
    "qualification": _("Tier qualification"),
    "coupons": _("Coupons"),
    "coupon_campaigns": _("Coupon campaigns"),
    "rewards": _("Rewards"),
    "referral": _("Referral"),
    "published": _("In force"),
    "copied_from": _("Copied from"),
    "brakes": _("Emergency brakes"),
    "rehearsal": _("Rehearsal"),
    "rehearsed": _("Rehearsed"),
    "digest": _("Digest of the document"),
    "days": _("Days"),
    "preset": _("Starter program"),
    "points": _("Points"),
    "reason": _("Reason"),
    "count": _("Count"),
    "challenge": _("Challenge"),
    "tier": _("Tier"),
    "stock": _("Stock"),
    "ended": _("Ended"),
    "is_active": _("Offered"),
}

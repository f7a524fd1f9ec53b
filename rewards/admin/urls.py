"""Pages of the loyalty domain: program, rewards, points by hand."""

from __future__ import annotations

from django.urls import path

from rewards.admin import (
    adjustment_queue,
    adjustments,
    catalogue,
    challenge_editor,
    challenge_pages,
    choice_search,
    coupon_campaigns,
    coupon_pools,
    coupons,
    ladder_editor,
    liability,
    program_urls,
    redemptions,
    referrals,
    reviews,
    statements,
    tier_pages,
)

urlpatterns = [
    *program_urls.urlpatterns,
    path("choices/<slug:name>/", choice_search.ChoicesPage.as_view(), name="choices"),
    path(
        "program/challenges/<slug:key>/",
        challenge_editor.ChallengeEditPage.as_view(),
        name="program_challenge",
    ),
    path("program/ladder/", ladder_editor.LadderPage.as_view(), name="program_ladder"),
    path("program/<int:number>/tiers/", tier_pages.TierPreviewPage.as_view(), name="tier_preview"),
    path("challenges/", challenge_pages.ChallengesPage.as_view(), name="challenges"),
    path("challenges/<slug:key>/", challenge_pages.ChallengePage.as_view(), name="challenge"),
    path("tiers/", tier_pages.TiersPage.as_view(), name="tiers"),
    path(
        "customers/<uuid:public_id>/challenge/",
        challenge_pages.CustomerChallengePage.as_view(),
        name="customer_challenge",
    ),
    path("customers/<uuid:public_id>/tier/", tier_pages.TierLockPage.as_view(), name="tier_lock"),
    path("rewards/", catalogue.RewardsPage.as_view(), name="rewards"),
    path("rewards/new/", catalogue.CreatePage.as_view(), name="reward_create"),
    path("rewards/<uuid:public_id>/", catalogue.EditPage.as_view(), name="reward"),
    path("rewards/draft/<slug:key>/", catalogue.EditPage.as_view(), name="reward_draft"),
    path("liability/", liability.LiabilityPage.as_view(), name="liability"),
    path("points/statement/", statements.StatementPage.as_view(), name="points_statement"),
    path("points/adjustments/", adjustment_queue.AdjustmentsPage.as_view(), name="adjustments"),
    path("customers/<uuid:public_id>/points/", statements.MemberPage.as_view(), name="customer_points"),
    path("customers/<uuid:public_id>/adjust/", adjustments.AdjustPage.as_view(), name="points_adjust"),
    path("redemptions/", redemptions.RedemptionsPage.as_view(), name="redemptions"),
    path("redemptions/<uuid:public_id>/step/", redemptions.RedemptionStep.as_view(), name="redemption_step"),
    path("coupons/", coupons.DefinitionsPage.as_view(), name="coupons"),
    path("coupons/new/", coupons.CreatePage.as_view(), name="coupon_create"),
    path("coupons/campaigns/", coupon_campaigns.CampaignsPage.as_view(), name="coupon_campaigns"),
    path("coupons/campaigns/new/", coupon_campaigns.CreatePage.as_view(), name="coupon_campaign_create"),
    path("coupons/campaigns/<uuid:public_id>/", coupon_campaigns.EditPage.as_view(), name="coupon_campaign"),
    path(
        "coupons/campaigns/<uuid:public_id>/recipients/",
        coupon_campaigns.RecipientsStep.as_view(),
        name="coupon_campaign_recipients",
    ),
    path(
        "coupons/campaigns/draft/<slug:key>/",
        coupon_campaigns.EditPage.as_view(),
        name="coupon_campaign_draft",
    ),
    path("coupons/draft/<slug:key>/", coupons.EditPage.as_view(), name="coupon_draft"),
    path("coupons/pools/", coupon_pools.PoolsPage.as_view(), name="coupon_pools"),
    path("coupons/pools/new/", coupon_pools.PoolCreatePage.as_view(), name="coupon_pool_create"),
    path(
        "coupons/pools/<uuid:public_id>/codes.csv",
        coupon_pools.PoolDownload.as_view(),
        name="coupon_pool_download",
    ),
    path("coupons/lookup/", coupon_pools.LookupPage.as_view(), name="coupon_lookup"),
    path("coupons/<uuid:public_id>/", coupons.EditPage.as_view(), name="coupon"),
    path("referrals/", referrals.ReferralsPage.as_view(), name="referrals"),
    path(
        "referrals/<uuid:public_id>/reject/", referrals.ReferralRejectPage.as_view(), name="referral_reject"
    ),
    path("referrals/settings/", referrals.ReferralSettingsPage.as_view(), name="referral_settings"),
    path("reviews/", reviews.ReviewsPage.as_view(), name="reviews"),
    path("reviews/limits/", reviews.LimitsPage.as_view(), name="velocity_limits"),
    path("reviews/<uuid:public_id>/", reviews.ReviewPage.as_view(), name="review"),
]

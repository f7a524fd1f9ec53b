from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from rewards.api.views import programs
from rewards.api.views.adjustment_requests import AdjustmentRequestViewSet
from rewards.api.views.brakes import BrakesView, ReleaseBrakeView
from rewards.api.views.challenges import ChallengesView, CustomerChallengesView, OptInView, OptOutView
from rewards.api.views.coupon_campaigns import CouponCampaignViewSet
from rewards.api.views.coupon_definitions import CouponDefinitionViewSet
from rewards.api.views.coupon_pools import CouponCodeView, CouponPoolViewSet, VoidCodeView
from rewards.api.views.coupons import (
    CouponRedemptionViewSet,
    CustomerCouponsView,
    IssueView,
    RedeemView,
    ReserveView,
    ValidateView,
)
from rewards.api.views.member_lists import (
    MemberEntriesView,
    MemberLotsView,
    MemberRedemptionsView,
    MemberTiersView,
)
from rewards.api.views.members import (
    MemberChallengesView,
    MemberOptInView,
    MemberRewardsView,
    MemberTokenView,
    MemberView,
)
from rewards.api.views.movements import (
    CaptureView,
    EarnView,
    HoldDetailView,
    HoldsView,
    HoldView,
    ReleaseHoldView,
    ReleasePendingView,
    ReverseView,
    SpendView,
    TransferView,
)
from rewards.api.views.owed_gifts import OwedGiftsView
from rewards.api.views.points import AdjustView, EntriesView, PointsView
from rewards.api.views.redemptions import RedemptionViewSet
from rewards.api.views.referrals import ReferralCodeView, ReferralProgramView, ReferralViewSet
from rewards.api.views.rehearsals import RehearsalsView
from rewards.api.views.reviews import ReviewViewSet, VelocityLimitsView
from rewards.api.views.rewards import CurrentProgramView, CustomerRewardsView, RewardViewSet
from rewards.api.views.statements import (
    CustomerStatementView,
    ExpiringView,
    LiabilityView,
    LotsView,
    StatementView,
)
from rewards.api.views.tiers import CustomerTierView, LadderView, LockTierView, UnlockTierView

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("adjustment-requests", AdjustmentRequestViewSet, basename="adjustment-request")
router.register("rewards", RewardViewSet, basename="reward")
router.register("redemptions", RedemptionViewSet, basename="redemption")
router.register("coupon-campaigns", CouponCampaignViewSet, basename="coupon-campaign")
router.register("coupon-definitions", CouponDefinitionViewSet, basename="coupon-definition")
router.register("coupon-pools", CouponPoolViewSet, basename="coupon-pool")
router.register("coupon-redemptions", CouponRedemptionViewSet, basename="coupon-redemption")
router.register("reviews", ReviewViewSet, basename="review")
router.register("referrals", ReferralViewSet, basename="referral")

urlpatterns = [
    path("programs/brakes", BrakesView.as_view(), name="program-brakes"),
    path("programs/brakes/release", ReleaseBrakeView.as_view(), name="program-brake-release"),
    path("velocity-limits", VelocityLimitsView.as_view(), name="velocity-limits"),
    path("referral-program", ReferralProgramView.as_view(), name="referral-program"),
    path("customers/<uuid:public_id>/rewards", CustomerRewardsView.as_view(), name="customer-rewards"),
    path("customers/<uuid:public_id>/referral-code", ReferralCodeView.as_view(), name="referral-code"),
    path("coupons/validate", ValidateView.as_view(), name="coupons-validate"),
    path("coupons/reserve", ReserveView.as_view(), name="coupons-reserve"),
    path("coupons/redeem", RedeemView.as_view(), name="coupons-redeem"),
    path("coupons/issue", IssueView.as_view(), name="coupons-issue"),
    path("coupon-codes/<str:code>", CouponCodeView.as_view(), name="coupon-code"),
    path("coupon-codes/<str:code>/void", VoidCodeView.as_view(), name="coupon-code-void"),
    path("customers/<uuid:public_id>/coupons", CustomerCouponsView.as_view(), name="customer-coupons"),
    path("customers/<uuid:public_id>/points", PointsView.as_view(), name="points"),
    path("customers/<uuid:public_id>/points/entries", EntriesView.as_view(), name="points-entries"),
    path("customers/<uuid:public_id>/points/adjust", AdjustView.as_view(), name="points-adjust"),
    path("customers/<uuid:public_id>/points/earn", EarnView.as_view(), name="points-earn"),
    path("customers/<uuid:public_id>/points/spend", SpendView.as_view(), name="points-spend"),
    path("customers/<uuid:public_id>/points/transfer", TransferView.as_view(), name="points-transfer"),
    path("customers/<uuid:public_id>/points/reverse", ReverseView.as_view(), name="points-reverse"),
    path("customers/<uuid:public_id>/points/hold", HoldView.as_view(), name="points-hold"),
    path("customers/<uuid:public_id>/points/lots", LotsView.as_view(), name="points-lots"),
    path(
        "customers/<uuid:public_id>/points/statement",
        CustomerStatementView.as_view(),
        name="points-statement",
    ),
    path("customers/<uuid:public_id>/points/holds", HoldsView.as_view(), name="points-holds"),
    path("holds/<uuid:public_id>", HoldDetailView.as_view(), name="hold"),
    path("holds/<uuid:public_id>/capture", CaptureView.as_view(), name="hold-capture"),
    path("holds/<uuid:public_id>/release", ReleaseHoldView.as_view(), name="hold-release"),
    path("points/release", ReleasePendingView.as_view(), name="points-release"),
    path("points/expiring", ExpiringView.as_view(), name="points-expiring"),
    path("points/statement", StatementView.as_view(), name="tenant-statement"),
    path("points/liability", LiabilityView.as_view(), name="liability"),
    path("programs/budgets", programs.BudgetsView.as_view(), name="program-budgets"),
    path("programs/schema", programs.SchemaView.as_view(), name="program-schema"),
    path("programs/revisions", programs.RevisionsView.as_view(), name="program-revisions"),
    path("programs/revisions/<int:number>", programs.RevisionView.as_view(), name="program-revision"),
    path(
        "programs/revisions/<int:number>/rehearsals",
        RehearsalsView.as_view(),
        name="program-rehearsals",
    ),
    path(
        "programs/revisions/<int:number>/update",
        programs.DraftUpdateView.as_view(),
        name="program-draft-update",
    ),
    path("programs/drafts", programs.DraftsView.as_view(), name="program-drafts"),
    path("programs/evaluate", programs.EvaluateView.as_view(), name="program-evaluate"),
    path(
        "customers/<uuid:public_id>/owed-gifts",
        OwedGiftsView.as_view(),
        name="customer-owed-gifts",
    ),
    path("customers/<uuid:public_id>/why", programs.WhyView.as_view(), name="customer-why"),
    path("orders/<uuid:public_id>/why", programs.OrderWhyView.as_view(), name="order-why"),
    path("programs/current", CurrentProgramView.as_view(), name="program-current"),
    path("challenges", ChallengesView.as_view(), name="challenges"),
    path(
        "customers/<uuid:public_id>/challenges", CustomerChallengesView.as_view(), name="customer-challenges"
    ),
    path("customers/<uuid:public_id>/challenges/opt-in", OptInView.as_view(), name="challenge-opt-in"),
    path("customers/<uuid:public_id>/challenges/opt-out", OptOutView.as_view(), name="challenge-opt-out"),
    path("tiers", LadderView.as_view(), name="tiers"),
    path("customers/<uuid:public_id>/tier", CustomerTierView.as_view(), name="customer-tier"),
    path("customers/<uuid:public_id>/tier/lock", LockTierView.as_view(), name="tier-lock"),
    path("customers/<uuid:public_id>/tier/unlock", UnlockTierView.as_view(), name="tier-unlock"),
    path("customers/<uuid:public_id>/member-tokens", MemberTokenView.as_view(), name="member-tokens"),
    path("member", MemberView.as_view(), name="member"),
    path("member/challenges", MemberChallengesView.as_view(), name="member-challenges"),
    path("member/challenges/opt-in", MemberOptInView.as_view(), name="member-opt-in"),
    path("member/rewards", MemberRewardsView.as_view(), name="member-rewards"),
    path("member/entries", MemberEntriesView.as_view(), name="member-entries"),
    path("member/lots", MemberLotsView.as_view(), name="member-lots"),
    path("member/redemptions", MemberRedemptionsView.as_view(), name="member-redemptions"),
    path("member/tiers", MemberTiersView.as_view(), name="member-tiers"),
    *router.urls,
]

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from rewards.api.views.points import AdjustView, EntriesView, PointsView
from rewards.api.views.redemptions import RedemptionViewSet
from rewards.api.views.rewards import CurrentProgramView, RewardViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("rewards", RewardViewSet, basename="reward")
router.register("redemptions", RedemptionViewSet, basename="redemption")

urlpatterns = [
    path("customers/<uuid:public_id>/points", PointsView.as_view(), name="points"),
    path("customers/<uuid:public_id>/points/entries", EntriesView.as_view(), name="points-entries"),
    path("customers/<uuid:public_id>/points/adjust", AdjustView.as_view(), name="points-adjust"),
    path("programs/current", CurrentProgramView.as_view(), name="program-current"),
    *router.urls,
]

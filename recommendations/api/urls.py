from __future__ import annotations

from django.urls import path

from recommendations.api.views.models import ModelVersionViewSet, TrainModelsView
from recommendations.api.views.recommendations import CustomerRecommendationsView

urlpatterns = [
    path(
        "customers/<uuid:public_id>/recommendations",
        CustomerRecommendationsView.as_view(),
        name="customer-recommendations",
    ),
    path("models", ModelVersionViewSet.as_view({"get": "list"}), name="model-list"),
    path("models/train", TrainModelsView.as_view(), name="model-train"),
    path("models/<uuid:public_id>", ModelVersionViewSet.as_view({"get": "retrieve"}), name="model-detail"),
]

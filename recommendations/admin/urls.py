"""The models page."""

from __future__ import annotations

from django.urls import path

from recommendations.admin import model_versions

urlpatterns = [
    path("models/", model_versions.ModelsPage.as_view(), name="models"),
    path("models/train/", model_versions.TrainPage.as_view(), name="models_train"),
    path("models/versions/<uuid:public_id>/", model_versions.VersionPage.as_view(), name="model_version"),
]

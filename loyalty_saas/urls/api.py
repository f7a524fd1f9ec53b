"""The API: one version, one schema, each app's own routes."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

_OPEN: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(**_OPEN), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema", **_OPEN), name="docs"),
    path("v1/", include("tenants.api.urls")),
    path("v1/", include("crm.api.urls")),
    path("v1/", include("rewards.api.urls")),
    path("v1/", include("recommendations.api.urls")),
]

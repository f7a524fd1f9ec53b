"""Routes at the root of the host, where client libraries of other products look for them."""

from __future__ import annotations

from django.urls import path, re_path

from crm.api.views.client_libraries import BrowserSettingsView, ClientLibraryView, PostHogView

_STEPS = "batch|import|track|identify|page|screen|group|alias|b|t|i|p|s|g|a"

urlpatterns = [
    re_path(rf"^v1/(?P<step>{_STEPS})/?$", ClientLibraryView.as_view(), name="client-segment"),
    re_path(r"^(?:batch|capture|track|e|i/v0/e)/?$", PostHogView.as_view(), name="client-posthog"),
    path("v1/projects/<str:write_key>/settings", BrowserSettingsView.as_view(), name="client-settings"),
]

"""URLs of one tenant's back office; ``/t/<slug>`` stands before them (``tenants.middleware``)."""

from __future__ import annotations

from django.urls import include, path

from tenants.admin.site import tenant_site

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("", tenant_site.urls),
]

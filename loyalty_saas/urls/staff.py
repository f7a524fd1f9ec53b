"""URLs of one tenant's back office; ``/t/<slug>`` stands before them (``tenants.middleware``).

The namespace ``admin`` holds the two names the frame's own templates ask for.
"""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include(("loyalty_saas.backoffice.entry_urls", "admin"))),
    path("", include("loyalty_saas.backoffice.urls")),
    path("", include("crm.admin.urls")),
    path("", include("rewards.admin.urls")),
    path("", include("recommendations.admin.urls")),
    path("", include("tenants.admin.urls")),
]

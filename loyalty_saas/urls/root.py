"""URLs outside a tenant's back office: sign-in, API, health."""

from __future__ import annotations

from django.urls import include, path

from loyalty_saas.backoffice import home, opening, sign_up
from loyalty_saas.operations import health

urlpatterns = [
    path("", home.home, name="home"),
    path("tenants/new/", opening.OpenTenantPage.as_view(), name="tenant_open"),
    path("tenants/new/slug/", opening.SlugField.as_view(), name="tenant_slug"),
    path("signup/", sign_up.SignUpPage.as_view(), name="sign_up"),
    path("signup/sent/", sign_up.SentPage.as_view(), name="sign_up_sent"),
    path("signup/confirm/<str:token>/", sign_up.ConfirmPage.as_view(), name="sign_up_confirm"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("loyalty_saas.urls.api")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("version", health.version, name="version"),
    path("", include("crm.api.client_urls")),
]

handler400 = "tenants.api.fallbacks.bad_request"
handler404 = "tenants.api.fallbacks.not_found"
handler500 = "tenants.api.fallbacks.server_error"

"""Pages that show several apps at once."""

from __future__ import annotations

from django.urls import path

from loyalty_saas.backoffice import customers, onboarding, order, profile

urlpatterns = [
    path("onboarding/", onboarding.OnboardingPage.as_view(), name="onboarding"),
    path("customers/", customers.CustomersPage.as_view(), name="customers"),
    path("customers/<uuid:public_id>/", profile.CustomerPage.as_view(), name="customer"),
    path("orders/<uuid:public_id>/", order.OrderPage.as_view(), name="order"),
]

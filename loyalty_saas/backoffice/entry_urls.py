"""The two routes the frame's templates name: the start page and the search."""

from __future__ import annotations

from django.urls import path

from loyalty_saas.backoffice import dashboard, search

urlpatterns = [
    path("", dashboard.DashboardPage.as_view(), name="index"),
    path("search/", search.SearchPage.as_view(), name="search"),
]

from __future__ import annotations

from django.urls import path

from tenants.api.jobs import JobViewSet

urlpatterns = [
    path("jobs", JobViewSet.as_view({"get": "list"}), name="jobs"),
    path("jobs/<uuid:public_id>", JobViewSet.as_view({"get": "retrieve"}), name="job"),
    path("jobs/<uuid:public_id>/cancel", JobViewSet.as_view({"post": "cancel"}), name="job-cancel"),
]

"""The back office of one tenant: the admin framework's frame with our own idea of who may enter."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.sites import UnfoldAdminSite


class TenantSite(UnfoldAdminSite):  # type: ignore[misc]  # the library ships no types
    """Entered by members of the tenant in the URL; sign-in is one page for all tenants."""

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and getattr(request, "access", None) is not None

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect(f"/accounts/login/?next={request.path}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("/accounts/logout/")


tenant_site = TenantSite(name="admin")

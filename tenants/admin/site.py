"""The admin framework as a frame only: its navigation, colours and scripts around pages of our own.

None of its routes is mounted and no model is registered, so what it would show across tenants (recent
actions, autocompletion, history, its cached search) does not exist.
"""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class TenantSite(UnfoldAdminSite):
    """Gives pages the frame's context for a member of the tenant in the URL."""

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and getattr(request, "access", None) is not None

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        # The framework's log knows no tenant; ours is the audit log.
        return LogEntry.objects.none()


tenant_site = TenantSite(name="admin")

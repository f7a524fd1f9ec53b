"""Adjustments that wait for a second person."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.models import AdjustmentRequest, AdjustmentState
from rewards.services import points
from tenants.admin.frame import StaffPage
from tenants.domain.permissions import Permission
from tenants.errors import NotFound

_DECIDED_SHOWN: Final = 20
_WAITING_SHOWN: Final = 100


class AdjustmentsPage(StaffPage):
    """The queue and the latest decisions; nobody decides their own request."""

    permission = Permission.POINTS_VIEW
    write_permission = Permission.POINTS_APPROVE
    title = gettext_lazy("Adjustments")
    template_name = "backoffice/points/adjustments.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        rows = _requests()
        waiting = rows.filter(state=AdjustmentState.REQUESTED).order_by("requested_at", "pk")
        decided = rows.exclude(state=AdjustmentState.REQUESTED).order_by("-decided_at", "-pk")
        return self.page(
            waiting=waiting[:_WAITING_SHOWN], decided=decided[:_DECIDED_SHOWN], me=self.access.actor.label
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        given: dict[str, Any] = {"by": self.access.actor, "at": timezone.now()}
        note = request.POST.get("note", "").strip()[:500]
        row = get_object_or_404(_requests(), public_id=_uuid(request.POST.get("request", "")))
        if request.POST.get("decision") == "approve":
            points.approve(request=row, note=note, **given)
            messages.success(request, _("Approved and posted."))
        elif not note:
            messages.error(request, _("Say why you refuse; the requester will read it."))
        else:
            points.reject(request=row, note=note, **given)
            messages.success(request, _("Rejected. Nothing was posted."))
        return redirect(reverse("adjustments"))


def _requests() -> QuerySet[AdjustmentRequest]:
    rows: QuerySet[AdjustmentRequest] = AdjustmentRequest.objects.select_related("customer", "wallet")
    return rows.prefetch_related("customer__persons")


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise NotFound from error

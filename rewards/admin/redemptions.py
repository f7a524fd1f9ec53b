"""Redemptions of rewards: the list, and handing over, shipping, cancelling and refunding from it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.models import Redemption, RedemptionState
from rewards.queries import programs
from rewards.services import cancellations, fulfilments, redemptions
from tenants.admin.frame import StaffPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission

_CONFIRM: Final = ("confirm", gettext_lazy("Confirm"))
_FULFIL: Final = ("fulfil", gettext_lazy("Hand over"))
_PACK: Final = ("pack", gettext_lazy("Packed"))
_SHIP: Final = ("ship", gettext_lazy("Shipped"))
_DELIVER: Final = ("deliver", gettext_lazy("Delivered"))
_CANCEL: Final = ("cancel", gettext_lazy("Cancel"))
_REFUND: Final = ("refund", gettext_lazy("Refund"))
_SERVICE_BY_STEP: Final[dict[str, Any]] = {
    "confirm": redemptions.confirm,
    "fulfil": fulfilments.fulfil,
    "pack": fulfilments.pack,
    "ship": fulfilments.ship,
    "deliver": fulfilments.deliver,
    "cancel": cancellations.cancel,
    "refund": cancellations.refund,
}
_WITH_REASON: Final = frozenset({"cancel", "refund"})


def steps(row: Redemption) -> list[tuple[str, Any]]:
    """Return what can be done with a redemption, the usual step first."""
    if row.is_under_review:
        return []
    if row.state == RedemptionState.CONFIRMED:
        return [_PACK if row.reward.needs_shipping else _FULFIL, _CANCEL]
    return {
        RedemptionState.RESERVED: [_CONFIRM, _CANCEL],
        RedemptionState.PACKED: [_SHIP, _CANCEL],
        RedemptionState.SHIPPED: [_DELIVER, _REFUND],
        RedemptionState.DELIVERED: [_REFUND],
        RedemptionState.FULFILLED: [_REFUND],
    }.get(RedemptionState(row.state), [])


class RedemptionFilters(FilterForm):
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", gettext_lazy("Any state")), *RedemptionState.choices]
    )


class RedemptionsPage(ListPage):
    """Redemptions, newest first, each with its next steps."""

    permission = Permission.REWARDS_VIEW
    title = gettext_lazy("Redemptions")
    template_name = "backoffice/redemptions/list.html"
    filter_class = RedemptionFilters
    orderings = {"latest": ("id",)}
    default_ordering = "-latest"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Redemption]:
        found = Redemption.objects.select_related("customer", "reward", "coupon_code")
        return found.prefetch_related("customer__persons").filter(**filters)

    def beside(self, page: Any) -> dict[str, Any]:
        may_act = self.access.can(Permission.REWARDS_REDEEM)
        listed = list(page.object_list)
        published = programs.published() if any(row.granted_by for row in listed) else None
        rules = {rule.key: rule.name for rule in published.revision.rules} if published else {}
        givers = [row.granted_by and rules.get(row.granted_by, row.granted_by) for row in listed]
        return {
            "redemptions": [
                (row, giver, steps(row) if may_act else []) for row, giver in zip(listed, givers, strict=True)
            ]
        }


class RedemptionStep(StaffPage):
    """One step of one redemption."""

    http_method_names = ["post", "options"]
    permission = Permission.REWARDS_REDEEM
    title = gettext_lazy("Change a redemption")

    def after_error(self) -> str:
        return reverse("redemptions")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        row = get_object_or_404(Redemption.objects.all(), public_id=public_id)
        step = request.POST.get("step", "")
        service = _SERVICE_BY_STEP.get(step)
        if service is None:
            messages.error(request, _("There is no such step."))
            return redirect("redemptions")
        reason = request.POST.get("reason", "").replace("\0", "")[:500]
        options = {"reason": reason} if step in _WITH_REASON else {}
        done = service(redemption=row, by=self.access.actor, at=timezone.now(), **options)
        if done.is_under_review:
            messages.info(request, _("So many refunds need a review; this one waits there."))
        else:
            messages.success(request, _("Done: %(state)s.") % {"state": done.get_state_display()})
        return redirect("redemptions")

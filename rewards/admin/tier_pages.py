"""Tiers: how many customers hold which, what a draft would change, and the lock of one customer."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer
from rewards.admin.tier_words import (
    needs_in_words,
    perk_in_words,
    perks_in_words,
    reward_names,
    window_in_words,
)
from rewards.domain.programs import Revision
from rewards.models import ProgramRevision, TierMembership
from rewards.queries import compiled_revisions, programs, tier_preview
from rewards.queries import tiers as tier_queries
from rewards.services import tiers
from tenants.admin import formats
from tenants.admin.charts import Series, chart
from tenants.admin.forms import DayInput, StaffForm, offer
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.domain.permissions import Permission


class TiersPage(StaffPage):
    """The ladder with its members, and the latest moves."""

    permission = Permission.PROGRAM_VIEW
    title = gettext_lazy("Tiers")
    template_name = "backoffice/tiers/overview.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        published, draft = programs.published(), programs.draft()
        revision = published.revision if published else None
        members = tier_queries.members_by_tier()
        ladder = self._ladder(revision, members) if revision else []
        names = {tier.key: tier.name for tier in (revision.tiers if revision else ())} | {"": "–"}
        return self.page(
            ladder=ladder,
            window=window_in_words(revision.qualification) if revision else "",
            chart=_distribution(ladder) if ladder else None,
            draft=draft,
            changes=[
                (row, names.get(row.from_key, row.from_key), names.get(row.to_key, row.to_key))
                for row in tier_preview.recent_changes()
            ],
            locked=TierMembership.objects.filter(locked_until__gt=timezone.now()).count(),
        )

    def _ladder(self, revision: Revision, members: dict[str, int]) -> list[dict[str, Any]]:
        needs, rewards = needs_in_words(revision, self.access.tenant.currency), reward_names(revision)
        return [
            {
                "tier": tier,
                "needs": needs[tier.key],
                "members": members.get(tier.key, 0),
                "perks": perks_in_words(revision, tier, rewards),
            }
            for tier in revision.tiers
        ]


def _distribution(ladder: list[dict[str, Any]]) -> Any:
    return chart(
        title=_("Members by tier"),
        axis=_("Tier"),
        labels=[row["tier"].name for row in ladder],
        series=[Series(_("Members"), [row["members"] for row in ladder], lambda v: formats.number(int(v)))],
        write_scale=lambda value: formats.number(int(value)),
    )


class TierPreviewPage(StaffPage):
    """Who would move if this revision were in force now."""

    permission = Permission.PROGRAM_VIEW
    title = gettext_lazy("What this revision does to tiers")
    template_name = "backoffice/tiers/preview.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program")), Crumb(_("Tiers"), reverse("tiers"))]

    def get(self, request: HttpRequest, number: int) -> HttpResponseBase:
        row = get_object_or_404(ProgramRevision.objects.all(), number=number)
        revision = compiled_revisions.revision_of(row)
        preview = tier_preview.of_revision(revision, at=timezone.now())
        former = programs.published()
        # Who is in a tier that the draft leaves out moves from a name, not from a key.
        tiers_known = [*(former.revision.tiers if former else ()), *revision.tiers]
        names = {tier.key: tier.name for tier in tiers_known} | {"": _("no tier")}
        totals = [
            (tier.name, preview.before.get(tier.key, 0), preview.after.get(tier.key, 0))
            for tier in revision.tiers
        ]
        flows = [
            (names.get(flow.from_key, flow.from_key), names.get(flow.to_key, flow.to_key), flow)
            for flow in preview.flows
            if flow.is_move
        ]
        sample = [
            (
                customer,
                names.get(flow.from_key, flow.from_key),
                names.get(flow.to_key, flow.to_key),
                flow.is_up,
            )
            for customer, flow in preview.sample
        ]
        rewards = reward_names(revision) | (reward_names(former.revision) if former else {})
        perks = [(perk_in_words(each.perk, rewards), each) for each in preview.perks]
        return self.page(row=row, preview=preview, totals=totals, flows=flows, sample=sample, perks=perks)


class LockForm(StaffForm):
    tier = forms.ChoiceField(label=gettext_lazy("Tier"))
    until = forms.DateField(label=gettext_lazy("Until the end of"), widget=DayInput())
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class TierLockPage(FormPage):
    """Give one customer a tier until a day, or end that again."""

    permission = Permission.TIERS_LOCK
    title = gettext_lazy("Lock the tier")
    template_name = "backoffice/tiers/lock.html"
    form_class = LockForm

    @cached_property
    def customer(self) -> Customer:
        found: Customer = get_object_or_404(Customer.objects.all(), public_id=self.kwargs["public_id"])
        return found

    def crumbs(self) -> list[Crumb]:
        address = reverse("customer", args=[self.customer.public_id])
        return [Crumb(_("Customers"), reverse("customers")), Crumb(self.customer.display_name, address)]

    def form(self, data: Any = None) -> LockForm:
        form = LockForm(data)
        published = programs.published()
        choices = [(tier.key, tier.name) for tier in published.revision.tiers] if published else []
        offer(form, "tier", choices)
        return form

    def context(self) -> dict[str, Any]:
        held = TierMembership.objects.filter(customer=self.customer, locked_until__gt=timezone.now()).first()
        return {**super().context(), "customer": self.customer, "lock": held}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "unlock" in request.POST:
            return self._unlock()
        return super().post(request, *args, **kwargs)

    def _unlock(self) -> HttpResponseBase:
        tiers.unlock(customer=self.customer, reason="", by=self.access.actor, at=timezone.now())
        messages.success(self.request, _("The lock is ended."))
        return redirect("customer", self.customer.public_id)

    def save(self, form: Any) -> str:
        until = datetime.combine(
            form.cleaned_data["until"] + timedelta(days=1), time.min, tzinfo=self.access.tenant.zone
        )
        tiers.lock(
            customer=self.customer,
            tier_key=form.cleaned_data["tier"],
            until=until,
            reason=form.cleaned_data["reason"],
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(self.request, _("The tier is locked."))
        return reverse("customer", args=[self.customer.public_id])

"""Getting started: what a new tenant does first, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer, ImportRun
from loyalty_saas.backoffice.tenant_forms import TenantForm
from rewards.domain.presets import PRESETS
from rewards.domain.presets.traffic import DAYS
from rewards.queries import programs
from rewards.services import preset_traffic, presets
from tenants.admin.forms import StaffForm, offer
from tenants.admin.frame import StaffPage, show_errors
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput
from tenants.models import ApiKey, Job, Membership, Tenant
from tenants.queries import descriptions
from tenants.services import jobs, tenants

SUMMARIES: Final[dict[str, str | Promise]] = {
    "ecommerce": gettext_lazy("Points for purchases, repeat orders, reviews; three tiers, coupons."),
    "social": gettext_lazy("Streaks, posts and invitations, with caps a day against farming."),
    "education": gettext_lazy("Lessons, modules and study streaks; minors only with a guardian's consent."),
    "finance": gettext_lazy("Bills on time and saving; capped perks without cash."),
    "healthcare": gettext_lazy("Appointments and goals; no names, no properties, perks without cash."),
}


class PresetForm(StaffForm):
    preset = forms.ChoiceField(
        label=gettext_lazy("Starter program"), widget=forms.RadioSelect(attrs={"class": "b-described"})
    )
    has_sample = forms.BooleanField(
        label=gettext_lazy("Fill it with 90 days of sample members and events"), required=False,
        help_text=gettext_lazy("To look around. Do not tick it for a tenant with real customers."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        line = '<span>{}<span class="b-sub">{}</span></span>'
        labels = [(key, format_html(line, Tenant.Vertical(key).label, SUMMARIES[key])) for key in PRESETS]
        offer(self, "preset", labels)

    def clean_has_sample(self) -> bool:
        wanted: bool = self.cleaned_data["has_sample"]
        if wanted and Customer.objects.exists():
            raise forms.ValidationError(_("There are customers already; samples cannot be told from them."))
        return wanted


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist."""

    title: str
    text: str
    is_done: bool
    action: str = ""
    url: str = ""


class OnboardingPage(StaffPage):
    """The checklist; settings and the starter program are chosen here, the rest on its own page."""

    permission = Permission.PROGRAM_PUBLISH
    title = gettext_lazy("Getting started")
    template_name = "backoffice/onboarding.html"

    def after_error(self) -> str:
        return reverse("onboarding")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self._shown()

    def _shown(self, **given: Any) -> HttpResponseBase:
        tenant = self.access.tenant
        fields = ("name", "time_zone", "currency", "locale", "vertical")
        initial = {field: getattr(tenant, field) for field in fields}
        chosen = tenant.vertical if tenant.vertical in PRESETS else "ecommerce"
        steps = self._steps()
        context = {
            "settings": TenantForm(initial=initial),
            "presets": PresetForm(initial={"preset": chosen}),
            **given,
        }
        return self.page(
            steps=steps,
            done=sum(step.is_done for step in steps),
            has_program=programs.current() is not None,
            sample_job=Job.objects.filter(kind=preset_traffic.JOB).order_by("-id").first(),
            **context,
        )

    def _steps(self) -> list[Step]:
        has_program = programs.current() is not None
        keys = ApiKey.objects.filter(revoked_at__isnull=True).exists()
        return [
            Step(_("Say who you are"), _("Name, time zone, currency and vertical, below."),
                 descriptions.is_described() or has_program),
            Step(_("Publish a program"), _("Start from a preset below, or write your own."),
                 has_program, _("Program"), reverse("program")),
            Step(_("Invite your team"), _("Everybody with the role they need."),
                 Membership.objects.count() > 1, _("Invite"), reverse("team_invite")),
            Step(_("Make an API key"), _("For your server, and one for your pages."),
                 keys, _("New API key"), reverse("api_key_create")),
            Step(_("Bring customers"), _("Import a file, or send events and orders."),
                 ImportRun.objects.exists() or Customer.objects.exists(), _("Imports"), reverse("imports")),
        ]  # fmt: skip

    def post(self, request: HttpRequest) -> HttpResponseBase:
        return self._install() if "install" in request.POST else self._save()

    def _save(self) -> HttpResponseBase:
        form = TenantForm(self.request.POST)
        if programs.current() is None and form.is_valid():
            try:
                with transaction.atomic():
                    tenants.change_settings(
                        tenant=self.access.tenant,
                        by=self.access.actor,
                        at=timezone.now(),
                        **form.cleaned_data,
                    )
            except InvalidInput as error:
                show_errors(form, error, {})
            else:
                messages.success(self.request, _("The settings are saved."))
                return redirect("onboarding")
        return self._shown(settings=form, status=422)

    def _install(self) -> HttpResponseBase:
        form = PresetForm(self.request.POST)
        if not form.is_valid():
            return self._shown(presets=form, status=422)
        at, key = timezone.now(), form.cleaned_data["preset"]
        is_sample = form.cleaned_data["has_sample"]
        start = at - timedelta(days=DAYS + 1) if is_sample else None
        presets.install(key=key, by=self.access.actor, at=at, in_force_from=start)
        messages.success(self.request, _("The program is in force."))
        if not is_sample:
            return redirect("program")
        job = jobs.start(kind=preset_traffic.JOB, params={"preset": key}, by=self.access.actor, at=at)
        return redirect("job", job.public_id)

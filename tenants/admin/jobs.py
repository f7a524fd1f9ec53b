"""Jobs: what runs, how far it is, what it said; cancelling one."""

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

from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission
from tenants.models import Job
from tenants.services import jobs

_LABEL_BY_KIND: Final = {
    "crm.load_file": gettext_lazy("Import a file"),
    "crm.import_orders": gettext_lazy("Import orders"),
    "crm.check_import": gettext_lazy("Check a file"),
    "crm.load_import": gettext_lazy("Load a file"),
    "crm.undo_import": gettext_lazy("Undo an import"),
    "crm.sort_feedback": gettext_lazy("Sort feedback by topic"),
    "crm.export": gettext_lazy("Export a list"),
    "crm.purge_files": gettext_lazy("Remove files that have expired"),
    "crm.refresh_summaries": gettext_lazy("Refresh order totals"),
    "crm.refresh_segment": gettext_lazy("Refresh a segment"),
    "crm.refresh_segments": gettext_lazy("Refresh all segments"),
    "rewards.post_history": gettext_lazy("Post points for past orders"),
    "rewards.recompute_tiers": gettext_lazy("Recompute tiers"),
    "rewards.generate_coupons": gettext_lazy("Make coupon codes"),
    "rewards.expire_coupons": gettext_lazy("Expire coupons"),
    "rewards.reward_referrals": gettext_lazy("Pay owed referrals"),
    "recommendations.train": gettext_lazy("Train a model"),
}
# A role that may only look at jobs must not stop other people's work.
_CANCELLERS: Final = Permission.MODELS_TRAIN


def label_of(kind: str) -> str:
    """Return a job kind in words; an unknown kind speaks for itself."""
    return str(_LABEL_BY_KIND.get(kind, kind))


def labelled(job: Job) -> Job:
    job.label = label_of(job.kind)  # type: ignore[attr-defined]  # for templates only
    return job


class JobFilters(FilterForm):
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", gettext_lazy("Any state")), *Job.State.choices]
    )


class JobsPage(ListPage):
    """All jobs of the tenant, newest first; refreshed while one of them runs."""

    permission = Permission.JOBS_VIEW
    title = gettext_lazy("Jobs")
    template_name = "backoffice/jobs/list.html"
    filter_class = JobFilters
    orderings = {"created": ("created_at", "id")}
    default_ordering = "-created"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Job]:
        return Job.objects.filter(**filters)

    def beside(self, page: Any) -> dict[str, Any]:
        shown = [labelled(job) for job in page.object_list]
        return {"is_busy": any(job.state not in Job.FINISHED for job in shown), "jobs": shown}


class JobPage(StaffPage):
    """One job: progress, parameters, result or error."""

    permission = Permission.JOBS_VIEW
    template_name = "backoffice/jobs/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Jobs"), reverse("jobs"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        job = labelled(get_object_or_404(Job.objects.all(), public_id=public_id))
        self.title = label_of(job.kind)
        return self.page(job=job, may_cancel=self.access.can(_CANCELLERS))


class JobProgress(StaffPage):
    """The moving part of a job's page, asked for again every second until the job is done."""

    permission = Permission.JOBS_VIEW
    title = gettext_lazy("Progress")

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        job = labelled(get_object_or_404(Job.objects.all(), public_id=public_id))
        return self.fragment(
            "backoffice/jobs/progress.html", job=job, may_cancel=self.access.can(_CANCELLERS)
        )


class CancelJob(StaffPage):
    http_method_names = ["post", "options"]
    permission = _CANCELLERS
    title = gettext_lazy("Cancel a job")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        job = get_object_or_404(Job.objects.all(), public_id=public_id)
        job = jobs.cancel(job=job, by=self.access.actor, at=timezone.now())
        if job.state == Job.State.CANCELLED:
            messages.success(request, _("The job is cancelled."))
        else:
            messages.info(request, _("The job stops at its next step."))
        return redirect("job", public_id=public_id)

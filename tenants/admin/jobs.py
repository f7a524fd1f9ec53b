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

from tenants.admin import job_words
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission
from tenants.models import Job
from tenants.queue import registry
from tenants.services import jobs

# A role that may only look at jobs must not stop other people's work.
_CANCELLERS: Final = Permission.MODELS_TRAIN


def label_of(kind: str) -> str:
    """Return a kind of job in words; one that this process does not know speaks for itself."""
    words = registry.words_by_kind.get(kind)
    return str(words.label) if words else kind


def labelled(job: Job) -> Job:
    words = registry.words_by_kind.get(job.kind)
    job.label = label_of(job.kind)  # type: ignore[attr-defined]  # for templates only
    job.about = words.about(job.params) if words and words.about else ""  # type: ignore[attr-defined]  # the same
    job.asked = job_words.facts(job.params or {})  # type: ignore[attr-defined]  # the same
    job.told = job_words.facts(job.result or {})  # type: ignore[attr-defined]  # the same
    job.leads_to = _page_of(job)  # type: ignore[attr-defined]  # the same
    return job


def _page_of(job: Job) -> str:
    """Return the address where the result of a job that is done is looked at, if there is one."""
    words = registry.words_by_kind.get(job.kind)
    if job.state != Job.State.SUCCEEDED or words is None or words.leads_to is None:
        return ""
    name, arguments = words.leads_to(job.params)
    return reverse(name, args=arguments)


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
        return self.page(**self.about(job))

    def about(self, job: Job) -> dict[str, Any]:
        is_busy = job.state not in Job.FINISHED
        return {"job": job, "is_busy": is_busy, "may_cancel": self.access.can(_CANCELLERS)}


class JobLive(JobPage):
    """What a job's page shows, asked for again every second until the job is done."""

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        job = labelled(get_object_or_404(Job.objects.all(), public_id=public_id))
        return self.fragment("backoffice/jobs/live.html", **self.about(job))


class JobProgress(StaffPage):
    """How far a job is, for other pages; asked for again every second until the job is done."""

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

"""Copying a revision to another tenant: first what would come along, read by a job, then the copy."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin.program import OneRevisionPage
from rewards.domain.brought_segments import MADE, Coming
from rewards.services import program_copies
from tenants.admin.frame import Crumb
from tenants.domain.permissions import Permission
from tenants.models import Job

_BECOMES: Final = {
    Coming.THERE: gettext_lazy("One with this key is there. It stays as it is, and the program uses it."),
    Coming.BROUGHT: gettext_lazy("Is brought along with its rule."),
    Coming.EMPTY: gettext_lazy("Is brought along as an empty list: its members are customers of here."),
    Coming.MODEL: gettext_lazy("Is not brought: a model publishes it. Train that model there."),
    Coming.SENSITIVE: gettext_lazy("Is not brought: its rule speaks of what is called sensitive there."),
    Coming.NEEDS_OTHER: gettext_lazy("Is not brought: its rule refers to one that does not come along."),
    Coming.UNKNOWN: gettext_lazy("Is not here either."),
}
_UNKNOWN: Final = {
    "events": gettext_lazy("Events"),
    "attributes": gettext_lazy("Attributes"),
    "traits": gettext_lazy("Computed traits"),
}


class CopyPage(OneRevisionPage):
    """Ask what a copy to the chosen tenant would bring along."""

    http_method_names = ["post", "options"]
    permission = Permission.PROGRAM_EDIT

    def after_error(self) -> str:
        return reverse("program_revision", args=[self.kwargs["number"]])

    def post(self, request: HttpRequest, number: int) -> HttpResponseBase:
        slug = request.POST.get("tenant", "")
        job = program_copies.look(
            revision=self.row, to_slug=slug, tenant=self.access.tenant, by=self.access.actor,
            at=timezone.now(),
        )  # fmt: skip
        return redirect("program_copy_look", number, job.public_id)


class LookPage(OneRevisionPage):
    """What would come along, and the press that copies."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Copy to another tenant")
    template_name = "backoffice/program/copy.html"

    def crumbs(self) -> list[Crumb]:
        number = self.kwargs["number"]
        title = _("Revision %(number)s") % {"number": number}
        return [*super().crumbs(), Crumb(title, reverse("program_revision", args=[number]))]

    @cached_property
    def job(self) -> Job:
        """The job that looked: of this revision, and asked for by who reads it."""
        found: Job = get_object_or_404(
            Job.objects.filter(kind=program_copies.LOOK, params__number=self.row.number),
            public_id=self.kwargs["public_id"], params__user_id=self.access.actor.id,
        )  # fmt: skip
        return found

    def get(self, request: HttpRequest, number: int, public_id: UUID) -> HttpResponseBase:
        job, result = self.job, self.job.result or {}
        segments = [_shown(each) for each in result.get("segments", ())]
        return self.page(
            row=self.row,
            job=job,
            is_busy=job.state not in Job.FINISHED,
            is_done=job.state == Job.State.SUCCEEDED,
            target=job.params["tenant"],
            segments=segments,
            comes=sum(each["comes"] for each in segments),
            unknown=[(_UNKNOWN[name], names) for name, names in result.get("unknown", {}).items()],
        )

    def post(self, request: HttpRequest, number: int, public_id: UUID) -> HttpResponseBase:
        copied = program_copies.request(
            revision=self.row, to_id=self.job.params["tenant_id"], tenant=self.access.tenant,
            brings_segments="segments" in request.POST, by=self.access.actor, at=timezone.now(),
        )  # fmt: skip
        return redirect("job", copied.public_id)


def _shown(segment: dict[str, Any]) -> dict[str, Any]:
    coming = Coming(segment["coming"])
    return {
        "key": segment["key"],
        "name": segment["name"],
        "text": _BECOMES[coming],
        "values": ", ".join(segment["values"]),
        "comes": coming in MADE,
        "is_there": coming is Coming.THERE,
    }

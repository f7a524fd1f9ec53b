"""What is done to a revision from its page: rehearse, send to review, approve, give back, roll back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from rewards.admin import draft_pages
from rewards.admin.draft_behind import CHOICE
from rewards.admin.program import OneRevisionPage
from rewards.admin.rehearsal_forms import RehearsalForm
from rewards.services import drafts, program_reviews, programs, rehearsals
from tenants.admin.frame import StaffPage
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput


class StepPage(OneRevisionPage):
    """One step of a revision; each goes through its service and back to a page."""

    http_method_names = ["post", "options"]
    permission = Permission.PROGRAM_EDIT

    def after_error(self) -> str:
        return reverse("program_revision", args=[self.row.number])

    def post(self, request: HttpRequest, number: int, step: str) -> HttpResponseBase:
        steps: Mapping[str, Callable[[Any], HttpResponseBase]] = {
            "rehearse": self._rehearse,
            "submit": self._submit,
            "approve": self._approve,
            "request-changes": self._request_changes,
            "roll-back": self._roll_back,
            "update": self._update,
        }
        # The row first: a step of a revision that is not there is not found, whatever the step.
        _row = self.row
        if step not in steps:
            raise Http404
        return steps[step](request.POST)

    def _arguments(self) -> dict[str, Any]:
        return {"revision": self.row, "by": self.access.actor, "at": timezone.now()}

    def _back(self, text: str) -> HttpResponseBase:
        messages.success(self.request, text)
        return redirect("program_revision", self.row.number)

    def _rehearse(self, data: Any) -> HttpResponseBase:
        form = RehearsalForm(data, today=timezone.localdate(timezone=self.access.tenant.zone))
        if not form.is_valid():
            for name, errors in form.errors.items():
                messages.error(self.request, f"{form[name].label}: {errors[0]}")
            return redirect(self.after_error())
        job = rehearsals.request(**form.cleaned_data, **self._arguments())
        return redirect("job", job.public_id)

    def _submit(self, data: Any) -> HttpResponseBase:
        program_reviews.submit(
            note=data.get("note", ""), undoes_newer="undoes_newer" in data, **self._arguments()
        )
        return self._back(_("Sent to review. Somebody else approves it."))

    def _update(self, data: Any) -> HttpResponseBase:
        choices = {name.removeprefix(CHOICE): side for name, side in data.items() if name.startswith(CHOICE)}
        try:
            drafts.bring_up_to_date(choices=choices, **self._arguments())
        except InvalidInput as error:
            texts = [draft_pages.said(wrong) for wrong in error.errors]
            messages.error(
                self.request, _("Both together are no program: %(why)s") % {"why": "; ".join(texts)}
            )
            return redirect("program_revision", self.row.number)
        return self._back(_("The draft has what was published since. Look at it, and rehearse it again."))

    def _approve(self, data: Any) -> HttpResponseBase:
        program_reviews.approve(
            comment=data.get("comment", ""), acknowledges="acknowledges" in data, **self._arguments()
        )
        return self._back(_("Approved. It can be published now."))

    def _request_changes(self, data: Any) -> HttpResponseBase:
        program_reviews.request_changes(comment=data.get("comment", ""), **self._arguments())
        return self._back(_("Given back with your comment."))

    def _roll_back(self, _data: Any) -> HttpResponseBase:
        self.access.actor.require(Permission.PROGRAM_PUBLISH)
        row = programs.roll_back(to=self.row, by=self.access.actor, at=timezone.now())
        values = {"number": row.number, "former": self.row.number}
        messages.success(self.request, _("Revision %(number)s, a copy of %(former)s, is in force.") % values)
        return redirect("program")


class SelfApprovalPage(StaffPage):
    """Whether one person may approve what they wrote; for tenants with a single manager."""

    http_method_names = ["post", "options"]
    permission = Permission.TEAM_MANAGE

    def after_error(self) -> str:
        return reverse("program")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        is_allowed = request.POST.get("allowed") == "yes"
        program_reviews.allow_self_approval(is_allowed=is_allowed, by=self.access.actor, at=timezone.now())
        text = _("From now on somebody else approves.")
        if is_allowed:
            text = _("Whoever wrote a revision may approve it too. The audit log says so.")
        messages.success(request, text)
        return redirect("program")


class RehearsalPolicyPage(StaffPage):
    """Whether a revision can be approved that was not rehearsed as it is."""

    http_method_names = ["post", "options"]
    permission = Permission.TEAM_MANAGE

    def after_error(self) -> str:
        return reverse("program")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        policy = request.POST.get("policy", "")
        program_reviews.set_rehearsal_policy(policy=policy, by=self.access.actor, at=timezone.now())
        messages.success(request, _("Saved: what approvals need."))
        return redirect("program")

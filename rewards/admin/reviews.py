"""The review queue: what came too fast or looks wrong, and the limits that decide what comes here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import offer_drafts
from rewards.admin.referrals import FINDINGS
from rewards.domain.policies import (
    LONGEST_WINDOW_HOURS,
    MOST_IN_WINDOW,
    USUAL_VELOCITY,
    VelocityLimit,
)
from rewards.models import AbuseReview, ReviewState, VelocityKind
from rewards.queries import configured
from rewards.services import reviews
from rewards.services.guesses import GuesserKind
from tenants.admin import formats
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, FormPage, Text
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission

_APPROVE, _REJECT = "approve", "reject"


_GUESSERS = {
    GuesserKind.CUSTOMER.value: gettext_lazy("Customer"),
    GuesserKind.CLIENT.value: gettext_lazy("Shopper"),
    GuesserKind.SHARED_CLIENT.value: gettext_lazy("Shoppers of one address"),
    GuesserKind.API_KEY.value: gettext_lazy("API key"),
}


class ReviewFilters(FilterForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("", gettext_lazy("Any kind")), *VelocityKind.choices]
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", gettext_lazy("Any state")), *ReviewState.choices]
    )


class ReviewsPage(ListPage):
    """What waits for a decision, the oldest first; decided ones by filter."""

    permission = Permission.REVIEWS_DECIDE
    title = gettext_lazy("Review queue")
    template_name = "backoffice/reviews/list.html"
    filter_class = ReviewFilters
    orderings = {"opened": ("opened_at", "id")}
    default_ordering = "opened"

    def rows(self, filters: dict[str, Any]) -> QuerySet[AbuseReview]:
        wanted = {"state": ReviewState.OPEN, **filters}
        found = AbuseReview.objects.select_related("customer").prefetch_related("customer__persons")
        return found.filter(**wanted)

    def beside(self, page: Any) -> dict[str, Any]:
        return {"reviews": [(row, told(row)) for row in page.object_list]}


def told(row: AbuseReview) -> list[tuple[str, str]]:
    """Return what is known about a review in words."""
    found = []
    if guesser := row.details.get("guesser"):
        found.append((str(_GUESSERS.get(guesser, guesser)), str(row.details.get("name", ""))))
        found.append((_("Unknown codes"), ", ".join(map(str, row.details.get("codes", [])))))
    if reward := row.details.get("reward"):
        found.append((_("Reward"), str(reward)))
    if points := row.details.get("points"):
        found.append((_("Points"), str(points)))
    if reason := row.details.get("reason"):
        found.append((_("Reason given"), str(reason)))
    if most := row.details.get("most"):
        found.append((_("Limit"), _("%(most)s in %(hours)s hours") % {
            "most": formats.number(most), "hours": formats.number(row.details.get("window_hours")),
        }))  # fmt: skip
    findings = row.details.get("findings", [])
    return found + [(_("Finding"), str(FINDINGS.get(finding, finding))) for finding in findings]


class DecisionForm(StaffForm):
    decision = forms.ChoiceField(
        label=gettext_lazy("Decision"), widget=forms.RadioSelect,
        choices=[
            (_APPROVE, gettext_lazy("Approve: let it go on")),
            (_REJECT, gettext_lazy("Reject: stop it")),
        ],
    )  # fmt: skip
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the audit log; colleagues will read it."),
    )  # fmt: skip


class ReviewPage(FormPage):
    """One review: what is known, and the decision."""

    permission = Permission.REVIEWS_DECIDE
    title: Text = gettext_lazy("Review")
    template_name = "backoffice/reviews/detail.html"
    form_class = DecisionForm

    @cached_property
    def review(self) -> AbuseReview:
        rows = AbuseReview.objects.select_related("customer").prefetch_related("customer__persons")
        found: AbuseReview = get_object_or_404(rows, public_id=self.kwargs["public_id"])
        return found

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Review queue"), reverse("reviews"))]

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        return {**super().context(), "review": self.review, "told": told(self.review)}

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        self.title = str(self.review.get_kind_display())
        return self.page(form=self.form())

    def save(self, form: Any) -> str:
        is_approved = form.cleaned_data["decision"] == _APPROVE
        reviews.decide(
            review=self.review,
            is_approved=is_approved,
            reason=form.cleaned_data["reason"],
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(self.request, _("Approved.") if is_approved else _("Rejected."))
        return reverse("reviews")


class LimitsForm(StaffForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for each in USUAL_VELOCITY:
            kind = VelocityKind(each.kind.value)
            label = {"kind": kind.label}
            self.fields[f"{kind}_most"] = forms.IntegerField(
                label=_("%(kind)s: at most") % label, min_value=1, max_value=MOST_IN_WINDOW
            )
            self.fields[f"{kind}_hours"] = forms.IntegerField(
                label=_("%(kind)s: within hours") % label,
                min_value=1,
                max_value=LONGEST_WINDOW_HOURS,
            )


class LimitsPage(FormPage):
    """How many are too many."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Velocity limits")
    template_name = "backoffice/reviews/limits.html"
    form_class = LimitsForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Review queue"), reverse("reviews"))]

    def context(self) -> dict[str, Any]:
        return {**super().context(), "draft_number": offer_drafts.draft_number()}

    def initial(self) -> dict[str, Any]:
        found = {}
        for limit in configured.paces():
            found[f"{limit.kind}_most"], found[f"{limit.kind}_hours"] = limit.most, limit.window_hours
        return found

    def save(self, form: Any) -> str:
        values = form.cleaned_data
        typed = [
            VelocityLimit(each.kind, values[f"{each.kind}_most"], values[f"{each.kind}_hours"])
            for each in USUAL_VELOCITY
        ]
        known = configured.paces()
        return offer_drafts.put(self, *[limit for limit in typed if limit not in known])

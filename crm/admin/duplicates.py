"""Customers who may be one person: the list, and deciding about many pairs at once."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.models import CandidateState, DuplicateCandidate, MatchKeyKind
from crm.queries import duplicates as duplicate_queries
from crm.services import duplicates
from tenants.admin.frame import StaffPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission

_LIKELY: Final = [
    ("", gettext_lazy("Any score")),
    ("0.9", gettext_lazy("90% and above")),
    ("0.75", gettext_lazy("75% and above")),
]


class DuplicateFilters(FilterForm):
    q = forms.CharField(
        label=gettext_lazy("Search customers"), max_length=120,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Name, e-mail, phone or id")}),
    )  # fmt: skip
    state = forms.ChoiceField(label=gettext_lazy("State"), choices=CandidateState.choices)
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"), choices=[("", gettext_lazy("Any reason")), *MatchKeyKind.choices]
    )
    least = forms.ChoiceField(label=gettext_lazy("Score"), choices=_LIKELY)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.input_type = "search"


class DuplicatesPage(ListPage):
    """Pairs by how likely they are one person; ticked ones are dismissed or merged together."""

    permission = Permission.CUSTOMERS_VIEW
    title = gettext_lazy("Duplicates")
    template_name = "backoffice/duplicates/list.html"
    filter_class = DuplicateFilters
    orderings = {"score": ("score", "id"), "found": ("found_at", "id")}
    default_ordering = "-score"

    def rows(self, filters: dict[str, Any]) -> QuerySet[DuplicateCandidate]:
        pairs = duplicate_queries.with_customers().filter(state=filters.get("state", CandidateState.OPEN))
        if text := filters.get("q"):
            pairs = pairs.filter(duplicate_queries.concerning(text))
        if reason := filters.get("reason"):
            pairs = pairs.filter(reasons__contains=[reason])
        if least := filters.get("least"):
            pairs = pairs.filter(score__gte=float(least))
        return pairs

    def beside(self, page: Page[DuplicateCandidate]) -> dict[str, Any]:
        label = dict(MatchKeyKind.choices)
        return {
            "pairs": [(pair, [label[reason] for reason in pair.reasons]) for pair in page.object_list],
            "is_open": self.request.GET.get("state", CandidateState.OPEN) == CandidateState.OPEN,
        }


class ReviewPairs(StaffPage):
    """Decide about the ticked pairs."""

    http_method_names = ["post", "options"]
    permission = Permission.CUSTOMERS_MERGE
    title = gettext_lazy("Decide about pairs")

    def after_error(self) -> str:
        return reverse("duplicates")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        pairs = duplicate_queries.chosen(_ids(request.POST.getlist("pair")))
        at, actor = timezone.now(), self.access.actor
        if not pairs:
            messages.warning(request, _("Tick at least one pair."))
        elif request.POST.get("decision") == "merge":
            merged, refused = duplicates.merge_all(candidates=pairs, by=actor, at=at)
            text = ngettext("%(n)s pair is merged.", "%(n)s pairs are merged.", merged)
            messages.success(request, text % {"n": merged})
            if refused:
                text = ngettext("%(n)s pair was refused.", "%(n)s pairs were refused.", refused)
                messages.warning(request, text % {"n": refused})
        else:
            count = duplicates.dismiss(candidates=pairs, by=actor, at=at)
            text = ngettext("%(n)s pair is dismissed.", "%(n)s pairs are dismissed.", count)
            messages.success(request, text % {"n": count})
        return redirect("duplicates")


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found

"""Feedback: how customers feel over time, what they said, and the queue of those to win back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.feedback_words import FEELING_CLASSES, FEELINGS, topic_labels
from crm.domain.feedback import Feeling
from crm.models import Feedback, FeedbackKind, RecoveryCase, RecoveryOutcome
from crm.queries import feedback as feedback_queries
from crm.queries.dashboard import Period
from crm.services import feedback, recovery_cases
from tenants.admin import formats
from tenants.admin.charts import Chart, Series, chart
from tenants.admin.forms import StaffForm, offer
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission

_DAYS: Final = 91
_MOST_ROWS: Final = 8
# A date is wide: more of them run into each other.
_MOST_LABELS: Final = 4


class FeedbackFilters(FilterForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("", gettext_lazy("Every kind")), *FeedbackKind.choices]
    )
    feeling = forms.ChoiceField(
        label=gettext_lazy("Feeling"),
        choices=[("", gettext_lazy("Every feeling")), *((each.value, FEELINGS[each]) for each in Feeling)],
    )
    topic = forms.ChoiceField(
        label=gettext_lazy("Topic"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "topic", [("", _("Every topic")), *topic_labels().items()])


class FeedbackPage(ListPage):
    """The last thirteen weeks in figures and charts, and every entry below them."""

    permission = Permission.FEEDBACK_VIEW
    title = gettext_lazy("Feedback")
    template_name = "backoffice/feedback/list.html"
    filter_class = FeedbackFilters
    orderings = {"given": ("occurred_at", "id"), "rating": ("rating", "occurred_at", "id")}
    nullable = frozenset({"rating"})
    default_ordering = "-given"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Feedback]:
        found: QuerySet[Feedback] = Feedback.objects.all()
        if feeling := filters.get("feeling"):
            found = Feedback.objects.feeling(Feeling(feeling))
        if kind := filters.get("kind"):
            found = found.filter(kind=kind)
        if topic := filters.get("topic"):
            found = found.filter(topics__contains=[topic])
        return found.select_related("customer", "item").prefetch_related("customer__persons")

    def beside(self, page: Page[Feedback]) -> dict[str, Any]:
        until = timezone.now()
        since = until - timedelta(days=_DAYS)
        rows = feedback_queries.between(since=since, until=until)
        points = feedback_queries.trend(rows, period=Period.WEEK, zone=self.access.tenant.zone)
        labels = topic_labels()
        groups = {
            "topics": [
                (labels.get(each.key, each.name), each.figures)
                for each in feedback_queries.by_topic(since=since, until=until)[:_MOST_ROWS]
            ],
            "items": _named(feedback_queries.by_item(since=since, until=until, limit=_MOST_ROWS)),
            "segments": _named(feedback_queries.by_segment(since=since, until=until, limit=_MOST_ROWS)),
        }
        return {
            "entries": [_shown(each, labels) for each in page.object_list],
            "figures": feedback_queries.figures(rows),
            "charts": _charts(points) if points else [],
            "groups": groups,
            "waiting": feedback_queries.waiting_cases().count(),
        }


def _named(groups: list[feedback_queries.GroupFigures]) -> list[tuple[str, feedback_queries.FeedbackFigures]]:
    return [(each.name, each.figures) for each in groups]


def _shown(entry: Feedback, labels: dict[str, str]) -> dict[str, Any]:
    feeling = entry.feeling
    return {
        "entry": entry,
        "feeling": FEELINGS[feeling] if feeling else "",
        "css": FEELING_CLASSES[feeling] if feeling else "",
        "topics": [label for topic, label in labels.items() if topic in entry.topics],
    }


def _charts(points: list[feedback_queries.TrendPoint]) -> list[Chart]:
    labels = [formats.day(point.starts_on) for point in points]
    counts = Series(_("Feedback"), [point.figures.count for point in points], formats.number)
    negative = Series(_("Negative"), [point.figures.negative for point in points], formats.number)
    # From -1..1 to 0..100, because a chart has no place below its floor.
    moods = [50 * (1 + (point.figures.sentiment or 0.0)) for point in points]
    mood = Series(_("Mood"), moods, formats.number)
    return [
        chart(
            title=_("Feedback by week"),
            axis=_("Week"),
            labels=labels,
            series=[counts, negative],
            write_scale=formats.number,
            most_labels=_MOST_LABELS,
        ),
        chart(
            title=_("Mood by week: 0 is bad, 100 is good"),
            axis=_("Week"),
            labels=labels,
            series=[mood],
            write_scale=formats.number,
            kind="line",
            most_labels=_MOST_LABELS,
        ),
    ]


class CorrectFeedback(StaffPage):
    """Says what a text really feels like."""

    http_method_names = ["post", "options"]
    permission = Permission.FEEDBACK_EDIT
    title = gettext_lazy("Correct")

    def after_error(self) -> str:
        return reverse("feedback")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        entry = get_object_or_404(Feedback.objects.all(), public_id=public_id)
        row = feedback.correct(
            feedback=entry,
            is_positive=request.POST.get("feeling") == Feeling.POSITIVE,
            by=self.access.actor,
            at=timezone.now(),
        )
        return self.fragment("backoffice/feedback/feeling.html", each=_shown(row, topic_labels()))


class RecoveryPage(ListPage):
    """Unhappy customers, the longest waiting first."""

    permission = Permission.FEEDBACK_VIEW
    title = gettext_lazy("To win back")
    template_name = "backoffice/feedback/recovery.html"
    orderings = {"waiting": ("opened_at", "id")}
    default_ordering = "waiting"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Feedback"), reverse("feedback"))]

    def rows(self, filters: dict[str, Any]) -> QuerySet[RecoveryCase]:
        return feedback_queries.waiting_cases()

    def beside(self, page: Page[RecoveryCase]) -> dict[str, Any]:
        labels = topic_labels()
        return {"cases": [(case, _shown(case.feedback, labels)) for case in page.object_list]}


class TakeCase(StaffPage):
    """Takes a case off the queue."""

    http_method_names = ["post", "options"]
    permission = Permission.FEEDBACK_EDIT
    title = gettext_lazy("Take")

    def after_error(self) -> str:
        return reverse("recovery")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        case = get_object_or_404(RecoveryCase.objects.all(), public_id=public_id)
        recovery_cases.take(case=case, by=self.access.actor, at=timezone.now())
        return redirect("recovery_case", public_id=public_id)


class ResolveForm(StaffForm):
    outcome = forms.ChoiceField(label=gettext_lazy("What came of it"), choices=RecoveryOutcome.choices)
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class RecoveryCasePage(FormPage):
    """One case: what was said, who said it, and how it ended."""

    permission = Permission.FEEDBACK_VIEW
    write_permission = Permission.FEEDBACK_EDIT
    template_name = "backoffice/feedback/case.html"
    form_class = ResolveForm
    title = gettext_lazy("Win back")

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Feedback"), reverse("feedback")), Crumb(_("To win back"), reverse("recovery"))]

    def context(self) -> dict[str, Any]:
        cases = RecoveryCase.objects.select_related("feedback__customer", "feedback__item")
        case = get_object_or_404(cases, public_id=self.kwargs["public_id"])
        return {**super().context(), "case": case, "each": _shown(case.feedback, topic_labels())}

    def save(self, form: Any) -> str:
        case = get_object_or_404(RecoveryCase.objects.all(), public_id=self.kwargs["public_id"])
        recovery_cases.resolve(case=case, **form.cleaned_data, by=self.access.actor, at=timezone.now())
        return reverse("recovery")

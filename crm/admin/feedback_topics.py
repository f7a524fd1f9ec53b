"""Topics of feedback: the common ones, the tenant's own, and what its customers speak of beside them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.feedback_words import TOPICS
from crm.models import FeedbackTopic
from crm.queries import feedback as feedback_queries
from crm.queries import feedback_topics as topic_queries
from crm.services import feedback_topics
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.domain.permissions import Permission

_COUNTED: Final = timedelta(days=91)


class TopicForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    words = forms.CharField(
        label=gettext_lazy("Words"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "One word or phrase a line. “queue” also finds “queues”; Chinese words are found anywhere."
        ),
    )

    def chosen(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], "words": self.cleaned_data["words"].splitlines()}


class TopicsPage(StaffPage):
    """All topics with how often they were spoken of, and proposals learnt from the texts without one."""

    permission = Permission.FEEDBACK_VIEW
    title = gettext_lazy("Topics")
    template_name = "backoffice/feedback/topics.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Feedback"), reverse("feedback"))]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        until = timezone.now()
        counted = feedback_queries.by_topic(since=until - _COUNTED, until=until)
        count_by_key = {each.key: each.figures.count for each in counted}
        return self.page(
            common=[(label, count_by_key.get(str(key), 0)) for key, label in TOPICS.items()],
            own=[
                (each, count_by_key.get(each.key, 0)) for each in FeedbackTopic.objects.order_by("name", "pk")
            ],
            proposals=topic_queries.proposed(),
        )


class _TopicForm(FormPage):
    permission = Permission.FEEDBACK_EDIT
    template_name = "backoffice/feedback/topic.html"
    form_class = TopicForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Feedback"), reverse("feedback")), Crumb(_("Topics"), reverse("feedback_topics"))]


class CreateTopic(_TopicForm):
    """A new topic, from nothing or from a proposal."""

    title = gettext_lazy("New topic")

    def initial(self) -> dict[str, Any]:
        given = self.request.GET
        return {"name": given.get("name", "")[:60], "words": "\n".join(given.getlist("word")[:40])}

    def save(self, form: Any) -> str:
        feedback_topics.create(**form.chosen(), by=self.access.actor, at=timezone.now())
        return reverse("feedback_topics")


class EditTopic(_TopicForm):
    """Another name or other words for a topic."""

    title = gettext_lazy("Edit topic")

    @cached_property
    def topic(self) -> FeedbackTopic:
        found: FeedbackTopic = get_object_or_404(
            FeedbackTopic.objects.all(), public_id=self.kwargs["public_id"]
        )
        return found

    def context(self) -> dict[str, Any]:
        return {**super().context(), "topic": self.topic}

    def initial(self) -> dict[str, Any]:
        return {"name": self.topic.name, "words": "\n".join(self.topic.words)}

    def save(self, form: Any) -> str:
        feedback_topics.change(topic=self.topic, **form.chosen(), by=self.access.actor, at=timezone.now())
        return reverse("feedback_topics")


class DeleteTopic(StaffPage):
    """Removes a topic."""

    http_method_names = ["post", "options"]
    permission = Permission.FEEDBACK_EDIT
    title = gettext_lazy("Delete the topic")

    def after_error(self) -> str:
        return reverse("feedback_topics")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        topic = get_object_or_404(FeedbackTopic.objects.all(), public_id=public_id)
        feedback_topics.delete(topic=topic, by=self.access.actor, at=timezone.now())
        return redirect("feedback_topics")

"""The event debugger: what has just arrived, why some of it was refused, and sending that again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.domain.event_catalogue import usual_in
from crm.models import EventReject
from crm.queries import event_tail
from crm.queries.event_tail import TailFilter
from crm.services import event_replays
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.json_fields import repeated_text
from tenants.admin.lists import FilterForm
from tenants.domain.json_keys import RepeatedKey, refuse_repeated
from tenants.domain.permissions import Permission
from tenants.services import jobs

REPLAY_JOB: Final = "crm.replay_rejects"
_COUNTED: Final = timedelta(days=6)
_WITHIN: Final = (
    ("15", gettext_lazy("Last 15 minutes")),
    ("60", gettext_lazy("Last hour")),
    ("1440", gettext_lazy("Last 24 hours")),
    ("10080", gettext_lazy("Last 7 days")),
)
_STATUSES: Final = (
    ("", gettext_lazy("Every status")),
    ("accepted", gettext_lazy("Accepted")),
    ("invalid", gettext_lazy("Rejected")),
    ("replayed", gettext_lazy("Sent again")),
)


class TailForm(FilterForm):
    customer = forms.CharField(
        label=gettext_lazy("Customer"),
        max_length=254,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Customer id or e-mail")}),
    )
    name = forms.CharField(
        label=gettext_lazy("Event name"),
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Event name"), "list": "event-names"}),
    )
    status = forms.ChoiceField(label=gettext_lazy("Status"), choices=_STATUSES)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=60, widget=forms.HiddenInput)
    within = forms.ChoiceField(
        label=gettext_lazy("Received"), choices=(("", gettext_lazy("Last 30 days")), *_WITHIN)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["customer"].widget.input_type = "search"

    def wanted(self) -> TailFilter:
        """Return what to show; wrong values in the address are left out."""
        given = {name: str(value).strip() for name, value in self.values().items()}
        minutes = given.pop("within", "")
        wanted = TailFilter(
            name=given.get("name", ""),
            status=given.get("status", ""),
            customer=given.get("customer", ""),
            reason=given.get("reason", ""),
        )
        return replace(wanted, within=timedelta(minutes=int(minutes))) if minutes else wanted


class EventsPage(StaffPage):
    """A live tail of events and rejects with counts by name; the list asks for itself every few seconds."""

    permission = Permission.EVENTS_VIEW
    title = gettext_lazy("Events")
    template_name = "backoffice/events/list.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form = TailForm(request.GET)
        now = timezone.now()
        counts = event_tail.counts(since=now - _COUNTED)
        most = max((each.received for each in counts), default=1)
        return self.page(
            filters=form,
            chips=form.chips(request),
            counts=[(each, 100 * each.received // most) for each in counts[:15]],
            names=sorted({each.name for each in counts} | {each.name for each in self._usual()}),
            **_listed(self, form, now),
        )

    def _usual(self) -> Any:
        return usual_in(self.access.tenant.vertical)


class EventsTail(StaffPage):
    """The rows of the tail alone, for the page to put in place."""

    permission = Permission.EVENTS_VIEW

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form = TailForm(request.GET)
        return self.fragment(
            "backoffice/events/rows.html", chips=form.chips(request), **_listed(self, form, timezone.now())
        )


def _listed(page: StaffPage, form: TailForm, now: datetime) -> dict[str, Any]:
    wanted = form.wanted()
    return {
        "rows": event_tail.newest(wanted, at=now),
        "today": event_tail.today(name=wanted.name, at=now),
        "waiting": event_tail.rejects(wanted, at=now).filter(replayed_at=None).count(),
        "may_manage": page.access.can(Permission.EVENTS_MANAGE),
    }


class RejectForm(forms.Form):
    payload = forms.CharField(
        label=gettext_lazy("Event"),
        help_text=gettext_lazy("Correct what is wrong, then send it again. It is checked as if it came now."),
        widget=forms.Textarea(attrs={"rows": 18, "class": "b-mono", "spellcheck": "false"}),
    )

    def clean_payload(self) -> Any:
        try:
            payload = msgspec.json.decode(self.cleaned_data["payload"])
            refuse_repeated(self.cleaned_data["payload"])
        except RepeatedKey as error:
            raise forms.ValidationError(repeated_text(error)) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise forms.ValidationError(_("Not valid JSON: %(why)s") % {"why": error}) from error
        if not isinstance(payload, dict):
            raise forms.ValidationError(_("An event is a JSON object."))
        return payload


class RejectPage(FormPage):
    """One reject as it came, with the reason; sent again as it is or corrected."""

    permission = Permission.EVENTS_MANAGE
    template_name = "backoffice/events/reject.html"
    form_class = RejectForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Events"), reverse("events"))]

    @property
    def reject(self) -> EventReject:
        return get_object_or_404(EventReject.objects.all(), public_id=self.kwargs["public_id"])

    def context(self) -> dict[str, Any]:
        reject = self.reject
        self.title = reject.name or _("Rejected event")
        return {**super().context(), "reject": reject}

    def initial(self) -> dict[str, Any]:
        payload = self.reject.payload
        is_object = isinstance(payload, dict)
        text = msgspec.json.format(msgspec.json.encode(payload)).decode() if is_object else str(payload)
        return {"payload": text}

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        return self.page(form=self.form())

    def save(self, form: Any) -> str:
        reject = event_replays.replay(
            reject=self.reject,
            payload=form.cleaned_data["payload"],
            by=self.access.actor,
            at=timezone.now(),
        )
        if reject.replayed_at is None:
            messages.error(self.request, _("Rejected again: %(why)s") % {"why": reject.detail})
            return reverse("event_reject", args=[reject.public_id])
        messages.success(self.request, _("The event was accepted."))
        return reverse("events")


class ReplayAll(StaffPage):
    """Send every reject that matches the filter again, as a job."""

    http_method_names = ["post", "options"]
    permission = Permission.EVENTS_MANAGE
    title = gettext_lazy("Send rejects again")

    def after_error(self) -> str:
        return reverse("events")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        wanted = TailForm(request.POST).wanted()
        params = {"name": wanted.name, "reason": wanted.reason, "customer": wanted.customer}
        job = jobs.start(kind=REPLAY_JOB, params=params, by=self.access.actor, at=timezone.now())
        return redirect("job", public_id=job.public_id)

"""Funnels over events: steps chosen, conversion and time between them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.domain.rules import EventPattern
from crm.models import AttributeDefinition, Segment
from crm.models.attribute_definition import AttributeSubject
from crm.queries import event_names, funnels, sensitive
from crm.queries.funnels import MOST_STEPS, FunnelGroup
from tenants.admin import charts, formats
from tenants.admin.forms import DayInput, offer
from tenants.admin.frame import StaffPage
from tenants.admin.lists import FilterForm
from tenants.domain.permissions import Permission

_SHOWN_DAYS: Final = 30


class FunnelFilters(FilterForm):
    first_on = forms.DateField(label=gettext_lazy("Began from"), widget=DayInput())
    last_on = forms.DateField(label=gettext_lazy("Until"), widget=DayInput())
    within = forms.IntegerField(
        label=gettext_lazy("Within days"), min_value=1, max_value=365,
        widget=forms.NumberInput(attrs={"placeholder": "7"}),
    )  # fmt: skip
    breakdown = forms.ChoiceField(label=gettext_lazy("Broken down by"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        secret = sensitive.hidden().attributes
        attributes = AttributeDefinition.objects.filter(subject=AttributeSubject.CUSTOMER).order_by("label")
        segments = Segment.objects.order_by("name").values_list("key", "name")
        offer(
            self,
            "breakdown",
            [
                ("", _("Not broken down")),
                *[(f"attribute:{each.key}", each.label) for each in attributes if each.key not in secret],
                *[(f"segment:{key}", name) for key, name in segments],
            ],
        )
        names = [("", "–"), *[(name, name) for name in event_names.recent()]]
        for number in range(1, MOST_STEPS + 1):
            label = _("Step %(number)s") % {"number": number}
            self.fields[f"step{number}"] = forms.ChoiceField(label=label, choices=names, required=False)

    def steps(self) -> list[EventPattern]:
        chosen = (self.cleaned_data.get(f"step{number}") for number in range(1, MOST_STEPS + 1))
        return [EventPattern(name) for name in chosen if name]


class FunnelsPage(StaffPage):
    """How many customers do the chosen events one after the other."""

    permission = Permission.SEGMENTS_VIEW
    title = gettext_lazy("Funnels")
    template_name = "backoffice/analytics/funnels.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form = FunnelFilters(request.GET)
        form.is_valid()
        steps = form.steps()
        if len(steps) < funnels.FEWEST_STEPS:
            return self.page(form=form, groups=None)
        zone, now = self.access.tenant.zone, timezone.now()
        today = now.astimezone(zone).date()
        kind, _colon, name = (form.cleaned_data.get("breakdown") or "").partition(":")
        groups = funnels.funnel(
            steps,
            within_days=form.cleaned_data.get("within") or 7,
            first_on=form.cleaned_data.get("first_on") or today - timedelta(days=_SHOWN_DAYS - 1),
            last_on=form.cleaned_data.get("last_on") or today,
            at=now,
            zone=zone,
            attribute=name if kind == "attribute" else "",
            segment=name if kind == "segment" else "",
        )
        chart = _bars(groups[0]) if len(groups) == 1 and not kind else None
        return self.page(form=form, groups=[_told(each, kind) for each in groups], chart=chart)


def _told(group: FunnelGroup, kind: str) -> dict[str, Any]:
    value = group.value if group.value is not None else _("unknown")
    if kind == "segment":
        value = _("in the segment") if group.value == "true" else _("not in the segment")
    steps = [
        {
            "event": step.event,
            "customers": step.customers,
            "share": formats.percent(step.share_of_first, 1),
            "width": round(100 * step.share_of_first),
            "previous": formats.percent(step.share_of_previous, 1),
            "time": formats.duration(step.median_seconds) if step.median_seconds is not None else "–",
        }
        for step in group.steps
    ]
    return {"value": value if kind else "", "steps": steps}


def _bars(group: FunnelGroup) -> charts.Chart:
    return charts.chart(
        title=_("Customers by step"),
        axis=_("Step"),
        labels=[step.event for step in group.steps],
        series=[
            charts.Series(_("Customers"), [float(step.customers) for step in group.steps], formats.number)
        ],
        write_scale=formats.compact,
    )

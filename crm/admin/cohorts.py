"""Cohort retention as a table and a curve."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Segment
from crm.queries import cohorts, dashboard
from crm.queries.cohorts import Cohort, Return, Start, Step
from tenants.admin import charts, formats
from tenants.admin.forms import offer
from tenants.admin.frame import StaffPage
from tenants.admin.lists import FilterForm
from tenants.domain.permissions import Permission

_PERIODS: Final = 12
# The largest share is as dark as the colour gets, but no smaller one than a quarter of everybody.
_DARKEST: Final = 0.25


class CohortFilters(FilterForm):
    start = forms.ChoiceField(
        label=gettext_lazy("Cohorts by"),
        choices=[
            (Start.FIRST_PURCHASE.value, gettext_lazy("First purchase")),
            (Start.SIGN_UP.value, gettext_lazy("Sign-up")),
        ],
    )
    returning = forms.ChoiceField(
        label=gettext_lazy("Came back with"),
        choices=[
            (Return.ORDER.value, gettext_lazy("an order")),
            (Return.ANYTHING.value, gettext_lazy("any event or order")),
        ],
    )
    step = forms.ChoiceField(
        label=gettext_lazy("Periods"),
        choices=[(Step.MONTH.value, gettext_lazy("Months")), (Step.WEEK.value, gettext_lazy("Weeks"))],
    )
    segment = forms.ChoiceField(label=gettext_lazy("Segment"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = Segment.objects.order_by("name").values_list("key", "name")
        offer(self, "segment", [("", _("All customers")), *named])


class CohortsPage(StaffPage):
    """Of those who began in one period, the share that came back in each of the following ones."""

    permission = Permission.SEGMENTS_VIEW
    title = gettext_lazy("Cohorts")
    template_name = "backoffice/analytics/cohorts.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form = CohortFilters(request.GET)
        form.is_valid()
        chosen = form.cleaned_data
        step = Step(chosen.get("step") or Step.MONTH)
        found = cohorts.retention(
            start=Start(chosen.get("start") or Start.FIRST_PURCHASE),
            returning=Return(chosen.get("returning") or Return.ORDER),
            step=step,
            periods=_PERIODS,
            # A history may end in the past; its last year says more than an empty one.
            at=dashboard.last_activity() or timezone.now(),
            zone=self.access.tenant.zone,
            segment=chosen.get("segment") or "",
        )
        return self.page(
            form=form,
            rows=[_row(each, step, _largest(found)) for each in found],
            numbers=range(_PERIODS),
            chart=_curve(found),
        )


def _largest(found: list[Cohort]) -> float:
    shares = (each.share(after) for each in found for after in range(1, len(each.returned)))
    return max((share for share in shares if share is not None), default=_DARKEST)


def _row(cohort: Cohort, step: Step, largest: float) -> dict[str, Any]:
    is_month = step is Step.MONTH
    name = formats.month(cohort.starts_on) if is_month else formats.day(cohort.starts_on)
    cells = []
    for after, number in enumerate(cohort.returned):
        share = cohort.share(after)
        shade = 0 if share is None or after == 0 else round(share / max(largest, _DARKEST) * 45)
        cells.append(
            {"share": formats.percent(share) if share is not None else "", "number": number, "shade": shade}
        )
    return {"name": name, "size": cohort.size, "cells": cells}


def _curve(found: list[Cohort]) -> charts.Chart:
    percents = [100 * share for share in cohorts.average(found, _PERIODS)[1:]]
    return charts.chart(
        title=_("Came back, all cohorts"),
        axis=_("Period"),
        labels=[str(number) for number in range(1, _PERIODS)],
        series=[charts.Series(_("Came back"), percents, lambda value: f"{value:.1f}%")],
        write_scale=lambda value: f"{value:.0f}%",
        kind="line",
    )

"""The start page: how the tenant stands, and how it moved over a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_saas.backoffice import figures
from loyalty_saas.backoffice.periods import DEFAULT_PRESET, PRESETS, Period, period_of
from tenants.admin import formats
from tenants.admin.charts import Chart, Series, chart
from tenants.admin.forms import DayInput
from tenants.admin.frame import StaffPage
from tenants.admin.lists import FilterForm
from tenants.domain.permissions import Permission

_MOST_CHANGE: Final = 9.99


class RangeForm(FilterForm):
    days = forms.CharField(label=gettext_lazy("Days"), max_length=5)
    first = forms.DateField(label=gettext_lazy("From"), widget=DayInput())
    last = forms.DateField(label=gettext_lazy("Until"), widget=DayInput())


@dataclass(frozen=True, slots=True)
class Figure:
    """One number on top of the page; ``change`` is its share of growth over the period before."""

    label: str
    symbol: str
    value: str
    note: str = ""
    change: float | None = None
    before: str = ""
    url: str = ""

    @property
    def change_text(self) -> str:
        if self.change is None:
            return ""
        return f"{'+' if self.change > 0 else ''}{formats.percent(min(self.change, _MOST_CHANGE))}"

    @property
    def direction(self) -> str:
        if self.change is None or abs(self.change) < 0.0005:  # noqa: PLR2004 - shows as 0 %
            return "flat"
        return "up" if self.change > 0 else "down"


class DashboardPage(StaffPage):
    """Figures and charts over the chosen range, each figure beside the range before."""

    permission = Permission.CUSTOMERS_VIEW
    title = gettext_lazy("Dashboard")
    template_name = "backoffice/dashboard.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        period, form, preset = self._period()
        months = figures.by_month(period)
        standing = figures.standing()
        return self.page(
            period=period,
            range_form=form,
            preset=preset,
            presets=PRESETS,
            figures=self._figures(period, standing),
            charts=self._charts(months),
            is_new=standing.customers == 0,
            may_import=self.access.can(Permission.CUSTOMERS_IMPORT),
            may_set_up=self.access.can(Permission.PROGRAM_PUBLISH),
        )

    def _period(self) -> tuple[Period, RangeForm, str]:
        form = RangeForm(self.request.GET)
        values = form.values()
        preset = values.get("days", DEFAULT_PRESET)
        first, last = values.get("first"), values.get("last")
        tenant = self.access.tenant
        latest = figures.latest_day(tenant)
        period = period_of(preset=preset, first=first, last=last, latest=latest, zone=tenant.zone)
        return period, form, "" if first and last else preset

    def _money(self, minor: float) -> str:
        return formats.money(round(minor), self.access.tenant.currency, is_compact=True)

    def _figures(self, period: Period, standing: figures.Standing) -> list[Figure]:
        now, then = figures.totals(period), figures.totals(period.before())
        return [
            Figure(
                _("Revenue"), "payments", self._money(now.revenue_minor),
                change=_growth(now.revenue_minor, then.revenue_minor), before=self._money(then.revenue_minor),
                url=reverse("orders"),
            ),
            Figure(
                _("Active customers"), "group", formats.number(now.active_customers),
                change=_growth(now.active_customers, then.active_customers),
                before=formats.number(then.active_customers), url=reverse("customers"),
            ),
            Figure(
                _("Orders"), "shopping_bag", formats.number(now.orders),
                change=_growth(now.orders, then.orders), before=formats.number(then.orders),
                url=reverse("orders"),
            ),
            Figure(
                _("New customers"), "person_add", formats.number(now.new_customers),
                change=_growth(now.new_customers, then.new_customers),
                before=formats.number(then.new_customers),
            ),
            Figure(
                _("Customers"), "groups", formats.number(standing.customers), note=_("in all, today"),
                url=reverse("customers"),
            ),
            Figure(
                _("Points outstanding"), "toll", formats.number(standing.points_outstanding),
                note=_("owed to customers, today"), url=reverse("program"),
            ),
            Figure(
                _("Points liability"), "account_balance", self._money(standing.liability_minor),
                note=_("what they are expected to cost"), url=reverse("liability"),
            ),
            self._risk(standing),
        ]  # fmt: skip

    def _risk(self, standing: figures.Standing) -> Figure:
        if not standing.scored:
            return Figure(
                _("At risk of leaving"), "warning", "–", note=_("train the churn model to see it"),
                url=reverse("models"),
            )  # fmt: skip
        share = standing.at_risk / standing.scored
        note = _("%(share)s of the customers with a score") % {"share": formats.percent(share)}
        address = f"{reverse('customers')}?at_risk=on"
        return Figure(_("At risk of leaving"), "warning", formats.number(standing.at_risk), note, url=address)

    def _charts(self, months: list[figures.Month]) -> list[Chart]:
        labels = [formats.month(month.first) for month in months]
        counts: dict[str, Any] = {"labels": labels, "write_scale": formats.compact}
        return [
            chart(
                title=_("Revenue by month"),
                labels=labels,
                series=[Series(_("Revenue"), [month.revenue_minor for month in months], self._money)],
                write_scale=self._scale,
            ),
            chart(
                title=_("Active customers by month"), kind="line",
                series=[
                    Series(
                        _("Active customers"), [month.active_customers for month in months], formats.number
                    )
                ],
                **counts,
            ),
            chart(
                title=_("Points issued and redeemed by month"),
                series=[
                    Series(_("Issued"), [month.issued for month in months], formats.number),
                    Series(_("Redeemed"), [month.redeemed for month in months], formats.number),
                ],
                **counts,
            ),
        ]  # fmt: skip

    def _scale(self, minor: float) -> str:
        currency = self.access.tenant.currency
        return f"{formats.symbol(currency)}{formats.compact(minor / 10 ** formats.exponent(currency))}"


def _growth(now: int, then: int) -> float | None:
    """Return the change as a share of ``then``; nothing to compare with gives None."""
    return (now - then) / then if then > 0 else None

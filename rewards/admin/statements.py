"""Statements as pages and as files; a member's page also has the balances and the open lots."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer
from rewards.domain.expiry import start_of_day
from rewards.models import Lot, LotState
from rewards.queries import balances, statements
from rewards.queries.statements import Statement
from rewards.services import lots
from tenants.admin.forms import DayInput
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission

_LOTS_SHOWN: Final = 100
_LONGEST: Final = timedelta(days=3660)
_COLUMNS: Final = (
    "wallet",
    "opening",
    "earned",
    "spent",
    "returned",
    "expired",
    "adjusted",
    "transferred",
    "merged",
    "closing",
)


class PeriodForm(forms.Form):
    """Whole days, both included."""

    begin = forms.DateField(label=gettext_lazy("From"), widget=DayInput())
    end = forms.DateField(label=gettext_lazy("To"), widget=DayInput())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        begin, end = data.get("begin"), data.get("end")
        if begin and end and not begin <= end <= begin + _LONGEST:
            raise forms.ValidationError(gettext_lazy("The last day comes after the first, within ten years."))
        return data


class _StatementBase(StaffPage):
    customer_id: int | None = None

    def _period(self) -> tuple[PeriodForm, date, date]:
        today = timezone.localdate(timezone=self.access.tenant.zone)
        usual = {"begin": today.replace(day=1), "end": today}
        asked = {"begin", "end"} & set(self.request.GET)
        form = PeriodForm(self.request.GET if asked else usual)
        valid = form.is_valid()
        chosen = form.cleaned_data if valid else usual
        return form, chosen["begin"], chosen["end"]

    def _statements(self, begin: date, end: date) -> list[Statement]:
        zone = self.access.tenant.zone
        return statements.of_period(
            begins=start_of_day(begin, zone),
            ends=start_of_day(end + timedelta(days=1), zone),
            customer_id=self.customer_id,
        )

    def _file(self, rows: list[Statement], begin: date, end: date) -> HttpResponse:
        """The statement as CSV: keys and numbers only, nothing a spreadsheet could take for a formula."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["begin", "end", *_COLUMNS])
        writer.writerows([begin, end, *(getattr(row, name) for name in _COLUMNS)] for row in rows)
        answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="statement-{begin}-{end}.csv"'
        return answer


class StatementPage(_StatementBase):
    """All members together."""

    permission = Permission.PROGRAM_VIEW
    title = gettext_lazy("Points statement")
    template_name = "backoffice/points/statement.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form, begin, end = self._period()
        rows = self._statements(begin, end)
        if request.GET.get("format") == "csv":
            return self._file(rows, begin, end)
        return self.page(form=form, rows=rows, begin=begin, end=end, after=end + timedelta(days=1))


class MemberPage(_StatementBase):
    """One member: balances, open lots with their dates, and the statement of a period."""

    permission = Permission.POINTS_VIEW
    write_permission = Permission.POINTS_ADJUST
    template_name = "backoffice/points/member.html"

    @cached_property
    def customer(self) -> Customer:
        customers = Customer.objects.prefetch_related("persons")
        found: Customer = get_object_or_404(customers, public_id=self.kwargs["public_id"])
        return found

    def crumbs(self) -> list[Crumb]:
        if "public_id" not in self.kwargs or not self.access.can(self.permission):
            return []
        return [
            Crumb(_("Customers"), reverse("customers")),
            Crumb(self.customer.display_name, reverse("customer", args=[self.customer.public_id])),
        ]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        at = timezone.now()
        self.title, self.customer_id = _("Points"), self.customer.pk
        form, begin, end = self._period()
        rows = self._statements(begin, end)
        if request.GET.get("format") == "csv":
            return self._file(rows, begin, end)
        open_lots = Lot.objects.filter(account__customer=self.customer, is_open=True)
        shown = open_lots.select_related("account__wallet").order_by("expires_at", "available_from", "id")
        states = [(lot, lot.state_at(at)) for lot in shown[:_LOTS_SHOWN]]
        return self.page(
            customer=self.customer,
            balances=balances.of_customers([self.customer.pk], at=at).get(self.customer.pk, []),
            lots=[(lot, state.label, state == LotState.PENDING) for lot, state in states],
            form=form, rows=rows, begin=begin, end=end, after=end + timedelta(days=1),
        )  # fmt: skip

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        """Release or cancel a pending lot of this member."""
        number = request.POST.get("lot", "")
        own = Lot.objects.filter(account__customer=self.customer)
        lot = get_object_or_404(own, pk=int(number) if number.isascii() and number.isdigit() else 0)
        reason, by, at = request.POST.get("reason", "").strip()[:500], self.access.actor, timezone.now()
        if not reason:
            messages.error(request, _("Say why."))
        elif request.POST.get("action") == "cancel":
            lots.cancel(lot=lot, by=by, at=at, reason=reason)
            messages.success(request, _("The pending points were cancelled."))
        else:
            lots.release(lot=lot, by=by, at=at, reason=reason)
            messages.success(request, _("The points can be spent now."))
        return redirect(reverse("customer_points", args=[self.customer.public_id]))

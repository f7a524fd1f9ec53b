"""Imports and their cleaning reports: every row that was read is accounted for."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import ImportRun, QuarantinedRow
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.lists import ListPage
from tenants.domain.permissions import Permission

_SAMPLE: Final = 50


class ImportsPage(ListPage):
    permission = Permission.CUSTOMERS_VIEW
    title = gettext_lazy("Imports")
    template_name = "backoffice/imports/list.html"
    orderings = {"started": ("started_at", "id")}
    default_ordering = "-started"

    def rows(self, filters: dict[str, Any]) -> QuerySet[ImportRun]:
        return ImportRun.objects.all()


class ImportPage(StaffPage):
    """One run: what was accepted, merged and set aside, why, and a sample of the rows set aside."""

    permission = Permission.CUSTOMERS_VIEW
    template_name = "backoffice/imports/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Imports"), reverse("imports"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        run = get_object_or_404(ImportRun.objects.all(), public_id=public_id)
        self.title = run.file_name
        rows = QuarantinedRow.objects.filter(import_run=run)
        reasons = list(rows.values_list("reason").annotate(count=Count("pk")).order_by("-count", "reason"))
        wanted = request.GET.get("reason", "")
        if wanted:
            rows = rows.filter(reason=wanted)
        most = max((count for _reason, count in reasons), default=1)
        return self.page(
            run=run,
            parts=_parts(run),
            adds_up=run.rows_read == run.rows_accepted + run.rows_merged + run.rows_quarantined,
            reasons=[(reason, count, 100 * count // most) for reason, count in reasons],
            reason=wanted,
            sample=rows.order_by("row_number")[:_SAMPLE],
            report=_flat(run.report),
        )


def _parts(run: ImportRun) -> list[tuple[str, int, float, str]]:
    """Return (label, rows, share in percent, colour) of the three things that happen to a row."""
    whole = run.rows_read or 1
    return [
        (_("Accepted"), run.rows_accepted, 100 * run.rows_accepted / whole, "b-series-1"),
        (_("Merged"), run.rows_merged, 100 * run.rows_merged / whole, "b-info"),
        (_("Quarantined"), run.rows_quarantined, 100 * run.rows_quarantined / whole, "b-series-2"),
    ]


def _flat(report: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return the report's leaves with their paths as readable keys."""
    if not isinstance(report, dict):
        return [(prefix, report)]
    return [
        leaf
        for key, value in report.items()
        for leaf in _flat(value, f"{prefix} › {key}" if prefix else str(key))
    ]

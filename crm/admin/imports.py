"""Imports: the history, and one import at the step it has reached."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.import_words import (
    is_undoable,
    kind_choices,
    kind_label,
    reason_of,
    report_label,
    undone_in_words,
)
from crm.models import ImportRun, ImportState, QuarantinedRow, StagedRow
from crm.queries import failed_rows
from crm.services.imports import wizard
from tenants.admin.forms import offer
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.jobs import labelled
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission

_SAMPLE: Final = 50
STEPS: Final = (
    gettext_lazy("Upload"), gettext_lazy("Map"), gettext_lazy("Check"), gettext_lazy("Load"),
)  # fmt: skip
_STEP_BY_STATE: Final = {ImportState.UPLOADED: 1, ImportState.MAPPED: 2, ImportState.CHECKED: 3}
_DONE_STEP: Final = 4
_SHOWN_APART: Final = frozenset({"quarantined", "counts", "warnings", "account"})


class ImportFilters(FilterForm):
    kind = forms.ChoiceField(label=gettext_lazy("Kind"))
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", gettext_lazy("Any state")), *ImportState.choices]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "kind", [("", _("Any kind")), *kind_choices()])


class ImportsPage(ListPage):
    permission = Permission.CUSTOMERS_VIEW
    title = gettext_lazy("Imports")
    template_name = "backoffice/imports/list.html"
    filter_class = ImportFilters
    orderings = {"started": ("started_at", "id")}
    default_ordering = "-started"

    def rows(self, filters: dict[str, Any]) -> QuerySet[ImportRun]:
        return ImportRun.objects.filter(**filters)

    def beside(self, page: Any) -> dict[str, Any]:
        return {
            "runs": [(run, kind_label(run.kind)) for run in page.object_list],
            "may_import": self.access.can(Permission.CUSTOMERS_IMPORT),
        }


class OneImport(StaffPage):
    """A page about one import of the tenant."""

    permission = Permission.CUSTOMERS_VIEW

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Imports"), reverse("imports"))]

    def after_error(self) -> str:
        return reverse("import", args=[self.kwargs["public_id"]])

    def run_of(self, public_id: UUID) -> ImportRun:
        run = get_object_or_404(ImportRun.objects.all(), public_id=public_id)
        self.title = run.file_name
        return run


class ImportPage(OneImport):
    """Where the import stands: what to do next, what the check found, where the rows went."""

    template_name = "backoffice/imports/detail.html"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        run = self.run_of(public_id)
        job = wizard.open_job(run)
        context = {
            "run": run,
            "kind": kind_label(run.kind),
            "job": labelled(job) if job else None,
            "steps": steps_of(run),
            "may_import": self.access.can(Permission.CUSTOMERS_IMPORT),
            "may_undo": not run.mapping and is_undoable(run.kind),
            "undone": undone_in_words(run.undo_report),
            "error": run.check_report.get("error") or run.report.get("error") or run.undo_report.get("error"),
        }
        if run.state in _STEP_BY_STATE:
            return self.page(**context, **_checked(run))
        return self.page(**context, **_loaded(run, request.GET.get("reason", "")))


class ImportProgress(OneImport):
    """The moving part, asked for every second; when the job has ended the page is read anew."""

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        run = self.run_of(public_id)
        job = wizard.open_job(run)
        if job is None:
            response = self.fragment("backoffice/imports/progress.html", run=run, job=None)
            if request.headers.get("HX-Request"):
                response["HX-Refresh"] = "true"
            return response
        return self.fragment("backoffice/imports/progress.html", run=run, job=labelled(job))


class FailedRows(OneImport):
    """The failed rows with their reasons, as a file that can be corrected and uploaded again."""

    permission = Permission.CUSTOMERS_IMPORT

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        run = self.run_of(public_id)
        response = StreamingHttpResponse(failed_rows.in_scope(run), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="failed-rows-{run.public_id}.csv"'
        return response


def steps_of(run: ImportRun) -> list[tuple[Any, str]]:
    """Return the steps, each done, current or to come."""
    reached = _STEP_BY_STATE.get(ImportState(run.state), _DONE_STEP)
    return [
        (label, "done" if number < reached else "current" if number == reached else "")
        for number, label in enumerate(STEPS)
    ]


def _checked(run: ImportRun) -> dict[str, Any]:
    report = run.check_report
    rows = StagedRow.objects.filter(import_run=run, outcome=StagedRow.Outcome.QUARANTINED)
    found = [
        (row.row_number, reason_of(row.reason), row.column, row.fields.get("raw", {}))
        for row in rows.order_by("row_number")[:_SAMPLE]
    ]
    return {
        "report": report,
        "rows": report.get("rows"),
        "sample": found,
        "reasons": _in_words(report.get("quarantined", {})),
        "merged": _in_words(report.get("merged", {})),
        "warnings": _in_words(report.get("warnings", {})),
    }


def _loaded(run: ImportRun, wanted: str) -> dict[str, Any]:
    rows = QuarantinedRow.objects.filter(import_run=run)
    counted = list(rows.values_list("reason").annotate(count=Count("pk")).order_by("-count", "reason"))
    if wanted:
        rows = rows.filter(reason=wanted)
    most = max((count for _reason, count in counted), default=1)
    sample = [
        (row.row_number, reason_of(row.reason), row.column, row.raw)
        for row in rows.order_by("row_number")[:_SAMPLE]
    ]
    shown = {
        key: value
        for key, value in run.report.items()
        if key not in {"quarantined", "counts", "warnings", "parts"}
    }
    return {
        "parts": _parts(run),
        "adds_up": run.rows_read == run.rows_accepted + run.rows_merged + run.rows_quarantined,
        "reasons": [(code, reason_of(code), count, 100 * count // most) for code, count in counted],
        "reason": wanted,
        "reason_words": reason_of(wanted),
        "sample": sample,
        "warnings": _in_words(run.report.get("warnings") or {}),
        "report": _flat(shown),
    }


def _in_words(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(reason_of(code), count) for code, count in counts.items()]


def _parts(run: ImportRun) -> list[tuple[str, int, float, str]]:
    """Return (label, rows, share in percent, colour) of the three things that happen to a row."""
    whole = run.rows_read or 1
    return [
        (_("Accepted"), run.rows_accepted, 100 * run.rows_accepted / whole, "b-series-1"),
        (_("Merged"), run.rows_merged, 100 * run.rows_merged / whole, "b-info"),
        (_("Quarantined"), run.rows_quarantined, 100 * run.rows_quarantined / whole, "b-series-2"),
    ]


def _flat(report: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return the report's leaves with their paths in words."""
    if not isinstance(report, dict):
        return [(prefix, report)]
    return [
        leaf
        for key, value in report.items()
        for leaf in _flat(value, f"{prefix} › {report_label(key)}" if prefix else report_label(key))
    ]

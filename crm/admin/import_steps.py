"""The wizard's steps: upload, map with a live preview, check, load, repeat, undo, forget."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.import_forms import ColumnRows, OrderRulesForm, SettingsForm, UploadForm
from crm.admin.import_words import FAULTS, field_labels, kind_label, reason_of
from crm.admin.imports import OneImport, steps_of
from crm.domain.import_plans import OrderRules, plan_of
from crm.models import ImportKind, ImportRun, ImportState
from crm.services.imports import previews, wizard
from crm.services.imports.errors import PlanInvalid
from crm.services.imports.kinds import kind_of
from tenants.admin.frame import Crumb, StaffPage, show_errors
from tenants.domain.permissions import Permission
from tenants.errors import DomainError, PermissionRefused

_EDITABLE: Final = {ImportState.UPLOADED, ImportState.MAPPED, ImportState.CHECKED}
_SAMPLES: Final = 3


class UploadPage(StaffPage):
    """A file and what is in it."""

    permission = Permission.CUSTOMERS_IMPORT
    title = gettext_lazy("Import a file")
    template_name = "backoffice/imports/upload.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Imports"), reverse("imports"))]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.page(form=UploadForm(initial={"kind": request.GET.get("kind", "customers")}))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                run = wizard.upload(
                    kind=form.cleaned_data["kind"],
                    file_name=file.name,
                    chunks=file.chunks(),
                    encoding=form.cleaned_data["encoding"],
                    by=self.access.actor,
                    at=timezone.now(),
                )
            except PermissionRefused:
                raise
            except DomainError as error:
                show_errors(form, error, {"": "file"})
            else:
                return redirect("import_map", public_id=run.public_id)
        return self.page(form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


class _Mapping(OneImport):
    permission = Permission.CUSTOMERS_IMPORT

    def forms(self, run: ImportRun, data: Any = None) -> tuple[Any, SettingsForm, OrderRulesForm | None]:
        plan = plan_of(run.plan)
        columns = ColumnRows(
            data,
            prefix="columns",
            form_kwargs={"fields": kind_of(run.kind).fields},
            initial=[
                {
                    "source": column.source,
                    "target": column.target,
                    "type": column.type,
                    "date_format": column.date_format,
                    "decimal_comma": column.decimal_comma,
                    "is_minor": column.unit == "minor",
                    "missing": column.missing,
                    "fill": column.fill,
                }
                for column in plan.columns
            ],
        )
        settings = SettingsForm(
            data, initial={"zone": plan.zone, "currency": plan.currency, "clears_blank": plan.clears_blank}
        )
        return columns, settings, _rules_form(run, plan.orders, data)

    def plan(self, run: ImportRun, data: Any) -> tuple[dict[str, Any] | None, Any]:
        """Return the plan the forms say, None when a field is wrong; and the forms."""
        columns, settings, rules = shown = self.forms(run, data)
        are_valid = [columns.is_valid(), settings.is_valid(), rules is None or rules.is_valid()]
        if not all(are_valid):
            return None, shown
        plan: dict[str, Any] = {"columns": [form.plan() for form in columns], **settings.cleaned_data}
        plan["currency"] = plan["currency"].upper()
        if rules is not None:
            plan["orders"] = rules.plan()
        return plan, shown


def _rules_form(run: ImportRun, rules: OrderRules, data: Any) -> OrderRulesForm | None:
    if run.kind != ImportKind.ORDERS:
        return None
    initial = {name: getattr(rules, name) for name in rules.__struct_fields__}
    initial["charge_codes"] = ", ".join(rules.charge_codes)
    return OrderRulesForm(data, prefix="orders", initial=initial)


class MapPage(_Mapping):
    """What becomes of each column; the first rows follow while it is chosen."""

    template_name = "backoffice/imports/map.html"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        run = self.run_of(public_id)
        if run.state not in _EDITABLE:
            return redirect("import", public_id=public_id)
        return self._shown(run, self.forms(run))

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        run = self.run_of(public_id)
        plan, shown = self.plan(run, request.POST)
        faults = []
        if plan is not None:
            try:
                wizard.choose_plan(run=run, plan=plan, by=self.access.actor, at=timezone.now())
                wizard.start_check(run=run, by=self.access.actor, at=timezone.now())
            except PlanInvalid as error:
                faults = _in_words(run, error)
            else:
                return redirect("import", public_id=public_id)
        return self._shown(run, shown, faults=faults, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _shown(
        self, run: ImportRun, shown: Any, *, faults: list[str] | None = None, status: int = HTTPStatus.OK
    ) -> HttpResponseBase:
        columns, settings, rules = shown
        rows = previews.samples(run)
        position = {name: at for at, name in enumerate(run.shape.get("header", []))}
        samples = [
            [row[at] for row in rows if row[at]][:_SAMPLES]
            if (at := position.get(_source(form))) is not None
            else []
            for form in columns
        ]
        return self.page(
            status=status,
            run=run,
            kind=kind_label(run.kind),
            steps=steps_of(run),
            columns=columns,
            pairs=list(zip(columns, samples, strict=True)),
            settings=settings,
            rules=rules,
            faults=faults or [],
        )


def _source(form: Any) -> str:
    return str((form.data.get(form.add_prefix("source")) if form.is_bound else form.initial["source"]) or "")


class PreviewPage(_Mapping):
    """The first rows as the plan being written reads them: put in place by HTMX."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        run = self.run_of(public_id)
        plan, _forms = self.plan(run, request.POST)
        faults: list[str] = []
        labels: list[str] = []
        rows: list[Any] = []
        if plan is not None:
            try:
                targets, rows = previews.preview(run=run, plan=plan)
                labels = [field_labels(target, run.kind) for target in targets]
            except PlanInvalid as error:
                faults = _in_words(run, error)
        for row in rows:
            row.values[:] = ["" if value is None else value for value in row.values]
        shown = [(row, reason_of(row.reason)) for row in rows]
        return self.fragment("backoffice/imports/preview.html", faults=faults, labels=labels, rows=shown)


class _Step(OneImport):
    """A step without a form: it is taken, and the import's page shows what follows."""

    http_method_names = ["post", "options"]
    permission = Permission.CUSTOMERS_IMPORT

    def take(self, run: ImportRun) -> ImportRun | None:
        raise NotImplementedError

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        other = self.take(self.run_of(public_id))
        return redirect("import", public_id=other.public_id if other else public_id)


class CheckStep(_Step):
    title = gettext_lazy("Check a file")

    def take(self, run: ImportRun) -> None:
        wizard.start_check(run=run, by=self.access.actor, at=timezone.now())


class LoadStep(_Step):
    title = gettext_lazy("Load a file")

    def take(self, run: ImportRun) -> None:
        wizard.start_load(run=run, by=self.access.actor, at=timezone.now())


class UndoStep(_Step):
    title = gettext_lazy("Undo an import")

    def take(self, run: ImportRun) -> None:
        wizard.start_undo(run=run, by=self.access.actor, at=timezone.now())


class RetryStep(_Step):
    title = gettext_lazy("Repeat the failed rows")

    def take(self, run: ImportRun) -> ImportRun:
        again = wizard.retry_failed(run=run, by=self.access.actor, at=timezone.now())
        wizard.start_check(run=again, by=self.access.actor, at=timezone.now())
        return again


class DiscardStep(_Step):
    title = gettext_lazy("Forget an import")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        wizard.discard(run=self.run_of(public_id), by=self.access.actor, at=timezone.now())
        messages.success(request, _("The file is forgotten; nothing was loaded."))
        return redirect("imports")


def _in_words(run: ImportRun, error: PlanInvalid) -> list[str]:
    """Return the faults in words, each with the column or field it is about."""
    words = []
    for wrong in error.errors:
        about = wrong.detail.rpartition("(")[2].removesuffix(")")
        text = str(FAULTS.get(wrong.code, wrong.detail))
        words.append(f"{text} ({field_labels(about, run.kind)})" if about and wrong.code in FAULTS else text)
    return words

"""Exports: what was asked for, what is ready, and the links to fetch it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer, Export, ExportFormat, Segment
from crm.services.exports import exports
from crm.services.exports.lists import all_lists, list_of
from tenants import files as private_files
from tenants.admin.forms import DayInput, StaffForm, offer
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.lists import ListPage
from tenants.domain.permissions import Permission
from tenants.errors import DomainError
from tenants.models import Job


class ExportForm(StaffForm):
    list_key = forms.ChoiceField(label=gettext_lazy("List"))
    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=ExportFormat.choices)
    segment = forms.ChoiceField(
        label=gettext_lazy("Segment"),
        required=False,
        help_text=gettext_lazy("For customers, members of a segment and audiences."),
    )
    since = forms.DateField(label=gettext_lazy("Since"), required=False, widget=DayInput())
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=DayInput(),
        help_text=gettext_lazy("For orders, order lines, events and points."),
    )
    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = _customer_of(self["query"].value() or "")
        segments = Segment.objects.order_by("name").values_list("public_id", "name")
        offer(self, "list_key", [(each.key, each.label) for each in all_lists()])
        offer(self, "segment", [("", _("Everybody")), *((str(key), name) for key, name in segments)])

    def filters(self) -> dict[str, Any]:
        """Return the filters the chosen list knows: those of the form and of the list one came from."""
        known = list_of(self.cleaned_data["list_key"]).filters
        given = {name: self.cleaned_data.get(name) for name in ("segment", "since", "until")}
        kept = dict(parse_qsl(self.cleaned_data["query"], max_num_fields=50))
        return {name: value for name, value in {**kept, **given}.items() if name in known and value}


class ExportsPage(ListPage):
    permission = Permission.DATA_EXPORT
    title = gettext_lazy("Exports")
    template_name = "backoffice/exports/list.html"
    orderings = {"asked": ("requested_at", "id")}
    default_ordering = "-asked"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Export]:
        return Export.objects.all()

    def beside(self, page: Any) -> dict[str, Any]:
        now = timezone.now()
        states = dict(
            Job.objects.filter(public_id__in=[each.job for each in page.object_list if each.job]).values_list(
                "public_id", "state"
            )
        )
        shown = []
        for export in page.object_list:
            is_ready = bool(export.file_path and export.expires_at and export.expires_at > now)
            token = exports.link_token(export=export, by=self.access.actor) if is_ready else ""
            shown.append((export, _label(export.list_key), states.get(export.job, ""), token))
        is_busy = any(state in {"queued", "running"} for _export, _name, state, _token in shown)
        return {"exports": shown, "is_busy": is_busy}


def _label(key: str) -> str:
    try:
        return str(list_of(key).label)
    except DomainError:
        return key


class CreateExportPage(FormPage):
    """Which list, as what, of whom or from when."""

    permission = Permission.DATA_EXPORT
    title = gettext_lazy("Export a list")
    template_name = "backoffice/exports/create.html"
    form_class = ExportForm
    field_by_pointer = {f"/filters/{name}": name for name in ("segment", "since", "until")}

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Exports"), reverse("exports"))]

    def initial(self) -> dict[str, Any]:
        given = self.request.GET
        return {
            "list_key": given.get("list", "customers"),
            **{name: given.get(name, "") for name in ("segment", "since", "until")},
            "query": given.urlencode()[:2000],
        }

    def save(self, form: Any) -> str:
        exports.start(
            list_key=form.cleaned_data["list_key"],
            format=form.cleaned_data["format"],
            filters=form.filters(),
            by=self.access.actor,
            at=timezone.now(),
        )
        return reverse("exports")


def _customer_of(query: str) -> Customer | None:
    """Return the customer whose page one came from, if it was one's."""
    try:
        public_id = UUID(dict(parse_qsl(query, max_num_fields=50)).get("customer", ""))
    except ValueError:
        return None
    found: Customer | None = Customer.objects.prefetch_related("persons").filter(public_id=public_id).first()
    return found


class DownloadPage(StaffPage):
    """The file of a link that was made for this person and has not ended."""

    permission = Permission.DATA_EXPORT
    title = gettext_lazy("Download")

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        get_object_or_404(Export.objects.all(), public_id=public_id)
        try:
            export = exports.opened(
                token=request.GET.get("link", ""), by=self.access.actor, at=timezone.now()
            )
        except DomainError:
            return redirect("exports")
        path = private_files.absolute(export.file_path)
        return FileResponse(path.open("rb"), as_attachment=True, filename=str(export))

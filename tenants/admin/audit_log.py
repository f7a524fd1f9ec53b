"""The audit log: who changed what, with before and after."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Page
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from tenants.admin import audit_words
from tenants.admin.forms import DayInput
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission
from tenants.models import AuditEntry


def _actions() -> list[Any]:
    return [("", _("Any action")), *audit_words.choices()]


class AuditFilters(FilterForm):
    actor = forms.CharField(
        label=_("Who"),
        max_length=254,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Who")}),
    )
    action = forms.ChoiceField(
        label=_("Action"), choices=lambda: [("", _("Any action")), *audit_words.choices()]
    )
    since = forms.DateField(label=_("Since"), widget=DayInput())


class AuditPage(ListPage):
    """Entries newest first; the log itself cannot be changed by anybody."""

    permission = Permission.AUDIT_VIEW
    title = _("Audit log")
    template_name = "backoffice/audit/list.html"
    filter_class = AuditFilters
    orderings = {"at": ("at", "id")}
    default_ordering = "-at"

    def filter_form(self) -> FilterForm:
        form = super().filter_form()
        form.fields["actor"].widget.input_type = "search"
        return form

    def rows(self, filters: dict[str, Any]) -> QuerySet[AuditEntry]:
        entries = AuditEntry.objects.all()
        if who := filters.get("actor"):
            entries = entries.filter(actor_label__istartswith=who)
        if action := filters.get("action"):
            entries = entries.filter(action=action)
        if since := filters.get("since"):
            entries = entries.filter(at__date__gte=since)
        return entries

    def beside(self, page: Page[AuditEntry]) -> dict[str, Any]:
        return {"entries": [_Line(entry) for entry in page.object_list]}


class _Line:
    """An entry and how it reads."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.action = audit_words.action_words(entry.action)
        self.kind, self.object = audit_words.object_words(entry)
        self.changes = audit_words.changes(entry)

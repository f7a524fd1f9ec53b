"""Importing a program from its JSON: as a draft, with every wrong field named."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import draft_pages
from rewards.services import programs
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, FormPage
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput


class ImportForm(StaffForm):
    document = forms.JSONField(
        label=gettext_lazy("Program as JSON"),
        widget=forms.Textarea(attrs={"rows": 16, "class": "b-mono"}),
        help_text=gettext_lazy("What “Export” of a revision gives, from here or from another tenant."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=500, required=False)


class ImportPage(FormPage):
    """Paste a program document."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Import a program")
    template_name = "backoffice/program/import.html"
    form_class = ImportForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]

    def save(self, form: Any) -> str:
        try:
            draft = programs.save_draft(**form.cleaned_data, by=self.access.actor, at=timezone.now())
        except InvalidInput as error:
            errors = [FieldError("/document", "", draft_pages.said(wrong)) for wrong in error.errors]
            raise InvalidInput(errors=errors) from error
        messages.success(self.request, _("Draft %(number)s is saved.") % {"number": draft.number})
        return reverse("program_revision", args=[draft.number])

"""Importing a program from its JSON: as a draft, with every wrong field named."""

from __future__ import annotations

import json
from typing import Any, Final

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
from tenants.admin.json_fields import OptionalJsonField, StrictDecoder, repeated_text
from tenants.domain.json_keys import RepeatedKey
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput

# An export is written with indents: the document in it may be half as large.
_LARGEST_FILE: Final = 8 * 1024 * 1024


class ImportForm(StaffForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
        help_text=gettext_lazy("What “Export” of a revision gives, from here or from another tenant."),
    )
    document = OptionalJsonField(
        label=gettext_lazy("Program as JSON"),
        widget=forms.Textarea(attrs={"rows": 16, "class": "b-mono"}),
        help_text=gettext_lazy("Instead of a file; a large program needs one."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=500, required=False)

    def clean_file(self) -> Any:
        """Return the document in the file, ``None`` without one."""
        file = self.cleaned_data["file"]
        if file is None:
            return None
        if file.size > _LARGEST_FILE:
            raise forms.ValidationError(_("The file is too large."))
        try:
            return json.loads(file.read(), cls=StrictDecoder)
        except RepeatedKey as error:
            raise forms.ValidationError(repeated_text(error)) from error
        except ValueError as error:
            raise forms.ValidationError(_("The file is not JSON.")) from error

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        given = [values.pop(name, None) for name in ("file", "document")]
        named = [document for document in given if document is not None]
        if not self.errors and len(named) != 1:
            self.add_error("file", _("Choose a file, or paste the program below."))
        return values | {"document": named[0] if named else None}


class ImportPage(FormPage):
    """Bring a program document, as a file or pasted."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Import a program")
    template_name = "backoffice/program/import.html"
    form_class = ImportForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program"))]

    def form(self, data: Any = None) -> ImportForm:
        return ImportForm(data, self.request.FILES or None)

    def save(self, form: Any) -> str:
        field = "file" if form.files else "document"
        try:
            draft = programs.save_draft(**form.cleaned_data, by=self.access.actor, at=timezone.now())
        except InvalidInput as error:
            errors = [FieldError(f"/{field}", "", draft_pages.said(wrong)) for wrong in error.errors]
            raise InvalidInput(errors=errors) from error
        messages.success(self.request, _("Draft %(number)s is saved.") % {"number": draft.number})
        return reverse("program_revision", args=[draft.number])

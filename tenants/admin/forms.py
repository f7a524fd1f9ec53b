"""Forms of the back office: one look, and two safeguards (type to confirm, press once)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from tenants.domain.moments import EARLIEST, LATEST

# No column of a form holds more; whole numbers of 32 bits say so themselves.
_LARGEST: Final = 10**12


class StaffForm(forms.Form):
    """A form drawn by ``backoffice/parts/form.html``, errors tied to their fields for screen readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def full_clean(self) -> None:
        """Check also that days can be reckoned with and numbers fit where they are kept."""
        if self.is_bound:
            for field in self.fields.values():
                _bound(field)
        super().full_clean()


class DayInput(forms.DateInput):
    """The browser's field for a day, which reads and sends ISO dates whatever the language of the page."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


def offer(form: forms.Form, field: str, choices: Iterable[tuple[Any, Any]]) -> None:
    """Set what a choice of a form offers, for choices that only the tenant's rows know."""
    cast("forms.ChoiceField", form.fields[field]).choices = list(choices)


def fold(form: forms.Form, select: str, choices_by_field: Mapping[str, Iterable[str]]) -> None:
    """Show fields only for the choices of ``select`` that ask for them; without script all are shown."""
    form.fields[select].widget.attrs["data-switches"] = select
    for name, choices in choices_by_field.items():
        form.fields[name].widget.attrs |= {"data-of": select, "data-for": " ".join(choices)}


def needed(form: forms.Form, *names: str) -> None:
    """Do not call fields optional which the choice that shows them asks for."""
    for name in names:
        form.fields[name].is_needed = True  # type: ignore[attr-defined]  # for the template only


def _bound(field: forms.Field) -> None:
    if isinstance(field, forms.DateField):
        limits = [MinValueValidator(EARLIEST.date()), MaxValueValidator(LATEST.date())]
    elif isinstance(field, forms.DateTimeField):
        limits = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
    elif isinstance(field, forms.IntegerField) and field.max_value is None:
        limits = [MaxValueValidator(_LARGEST)]
    else:
        return
    field.validators = [*field.validators, *(each for each in limits if each not in field.validators)]


class ConfirmForm(StaffForm):
    """Asks to type the name of what is about to end."""

    confirmation = forms.CharField(
        label=_("Type it to confirm"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["confirmation"].widget.attrs["data-expected"] = expected

    def clean_confirmation(self) -> str:
        typed = str(self.cleaned_data["confirmation"]).strip()
        if typed != self.expected:
            raise forms.ValidationError(
                _("Type “%(expected)s” to confirm."), params={"expected": self.expected}
            )
        return typed


class OnceForm(StaffForm):
    """Carries a token that names this one intention, so that pressing twice acts once."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["token"].initial = secrets.token_hex(16)

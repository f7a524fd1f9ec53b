"""What is asked about a tenant: when it is opened, when somebody signs up, and in its settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.admin.forms import StaffForm
from tenants.domain.currencies import CODES
from tenants.domain.slugs import LONGEST, RESERVED, is_spelled_well
from tenants.models import Tenant
from tenants.models.tenant import zone_names
from tenants.services.tenants import Particulars


class TenantForm(StaffForm):
    """What a tenant says of itself."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), choices=[(zone, zone) for zone in sorted(zone_names())]
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), choices=[(code, code) for code in CODES])
    locale = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=settings.LANGUAGES,
        help_text=gettext_lazy("Starter programs are written in it."),
    )  # fmt: skip
    vertical = forms.ChoiceField(label=gettext_lazy("Vertical"), choices=Tenant.Vertical.choices)


class SlugForm(StaffForm):
    """The word in the tenant's address; ``suggested`` is what was last proposed for it."""

    slug = forms.CharField(
        label=gettext_lazy("Address"), max_length=LONGEST,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false",
                   "aria-describedby": "id_slug_helptext"}
        ),
        help_text=gettext_lazy("Small Latin letters, digits and dashes; it stands in every address."),
    )  # fmt: skip

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"])
        if not is_spelled_well(slug):
            raise forms.ValidationError(_("Small Latin letters and digits, with single dashes between."))
        if slug in RESERVED:
            raise forms.ValidationError(_("This address is kept for the platform. Choose another one."))
        return slug


class NewTenantForm(SlugForm, TenantForm):
    """A tenant to be opened; the address is proposed from the name as it is typed."""

    suggested = forms.CharField(required=False, widget=forms.HiddenInput, max_length=LONGEST)
    field_order = (
        "email",
        "password",
        "again",
        "name",
        "slug",
        "time_zone",
        "currency",
        "locale",
        "vertical",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the organisation")
        self.fields["name"].widget.attrs |= {
            "hx-get": reverse_lazy("tenant_slug"), "hx-trigger": "input changed delay:400ms",
            "hx-include": "#slug-field", "hx-target": "#slug-field", "hx-swap": "outerHTML",
            "autocomplete": "organization",
        }  # fmt: skip
        if not self.is_bound:
            # The browser knows the zone of whoever sits before it.
            self.fields["time_zone"].widget.attrs["data-guesses-zone"] = ""

    def particulars(self) -> Particulars:
        names = ("slug", "name", "time_zone", "currency", "locale", "vertical")
        return Particulars(**{name: self.cleaned_data[name] for name in names})


class SignUpForm(NewTenantForm):
    """A tenant and its first owner."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        label=gettext_lazy("Password"), max_length=128, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least eight characters, and nothing that many people use."),
    )  # fmt: skip
    again = forms.CharField(
        label=gettext_lazy("Password again"), max_length=128, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def clean_again(self) -> str:
        again = str(self.cleaned_data["again"])
        if "password" in self.cleaned_data and again != self.cleaned_data["password"]:
            raise forms.ValidationError(_("The two passwords differ."))
        return again


class ConfirmSignUpForm(SlugForm):
    """The password of the sign-up, and another address should somebody have taken it meanwhile."""

    password = forms.CharField(
        label=gettext_lazy("The password you chose"), max_length=128, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip
    field_order = ("password", "slug")


def start_values(language: str) -> dict[str, str]:
    """Return what a form begins with for a reader of ``language``."""
    is_chinese = language == "zh-hans"
    return {
        "time_zone": "Asia/Shanghai" if is_chinese else "UTC",
        "currency": "CNY" if is_chinese else "USD",
        "locale": language,
        "vertical": Tenant.Vertical.ECOMMERCE.value,
    }

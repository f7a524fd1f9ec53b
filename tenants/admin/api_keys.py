"""API keys: created once, shown once, revoked at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.admin.forms import ConfirmForm, StaffForm
from tenants.admin.frame import Crumb, StaffPage, show_errors
from tenants.admin.permission_labels import LABEL_BY_PERMISSION
from tenants.domain.permissions import SECRET_SCOPES, Permission
from tenants.errors import InvalidInput
from tenants.models import ApiKey
from tenants.services import api_keys

_LIFETIMES: Final = [
    ("", gettext_lazy("Never")),
    ("30", gettext_lazy("In 30 days")),
    ("90", gettext_lazy("In 90 days")),
    ("365", gettext_lazy("In a year")),
]


class KeyForm(StaffForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        help_text=gettext_lazy("Where the key will be used, for example “Web shop”."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[
            (ApiKey.Kind.SECRET.value, gettext_lazy("Secret: for your servers")),
            (
                ApiKey.Kind.PUBLISHABLE.value,
                gettext_lazy("Publishable: for apps and pages, sends events and serves signed-in members"),
            ),
        ],
    )
    lifetime = forms.ChoiceField(label=gettext_lazy("Expires"), choices=_LIFETIMES, required=False)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What the key may do"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(scope.value, LABEL_BY_PERMISSION[scope]) for scope in Permission if scope in SECRET_SCOPES],
        help_text=gettext_lazy(
            "A publishable key sends events and shows members what is theirs, nothing else."
        ),
    )

    origins = forms.CharField(
        label=gettext_lazy("Pages that may use it"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "https://shop.example"}),
        help_text=gettext_lazy("Of a publishable key: one origin a line. Empty is any page."),
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("kind") == ApiKey.Kind.SECRET and not values.get("scopes"):
            self.add_error("scopes", _("Choose at least one."))
        return values

    def wanted_scopes(self) -> Iterable[Permission] | None:
        if self.cleaned_data["kind"] == ApiKey.Kind.PUBLISHABLE:
            return None
        return [Permission(scope) for scope in self.cleaned_data["scopes"]]

    def wanted_origins(self) -> list[str]:
        if self.cleaned_data["kind"] != ApiKey.Kind.PUBLISHABLE:
            return []
        return str(self.cleaned_data["origins"]).lower().split()

    def expires_at(self, now: datetime) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return now + timedelta(days=int(days)) if days else None


class ApiKeysPage(StaffPage):
    permission = Permission.API_KEYS_MANAGE
    title = gettext_lazy("API keys")
    template_name = "backoffice/api_keys/list.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        keys = ApiKey.objects.order_by("revoked_at", "-created_at", "-id")
        return self.page(keys=keys, now=timezone.now())


class CreatePage(StaffPage):
    """Create a key. Its text is in the answer to the post and nowhere else."""

    permission = Permission.API_KEYS_MANAGE
    title = gettext_lazy("New API key")
    template_name = "backoffice/api_keys/create.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("API keys"), reverse("api_keys"))]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.page(form=KeyForm(initial={"scopes": [Permission.CUSTOMERS_VIEW.value]}))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = KeyForm(request.POST)
        if form.is_valid():
            try:
                key, text = self._create(form)
            except InvalidInput as error:
                show_errors(form, error, {"/origins": "origins"})
            else:
                origin = request.build_absolute_uri("/").rstrip("/")
                response = self.page(
                    template="backoffice/api_keys/created.html", key=key, text=text, origin=origin
                )
                response["Cache-Control"] = "no-store"
                return response
        return self.page(form=form, status=422)

    def _create(self, form: KeyForm) -> tuple[ApiKey, str]:
        now = timezone.now()
        return api_keys.create(
            name=form.cleaned_data["name"],
            kind=ApiKey.Kind(form.cleaned_data["kind"]),
            scopes=form.wanted_scopes(),
            expires_at=form.expires_at(now),
            origins=form.wanted_origins(),
            by=self.access.actor,
            at=now,
        )


class RevokePage(StaffPage):
    """End a key, after its name was typed."""

    permission = Permission.API_KEYS_MANAGE
    title = gettext_lazy("Revoke an API key")
    template_name = "backoffice/api_keys/revoke.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("API keys"), reverse("api_keys"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        key = get_object_or_404(ApiKey.objects.all(), public_id=public_id)
        return self.page(key=key, form=ConfirmForm(expected=key.name))

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        key = get_object_or_404(ApiKey.objects.all(), public_id=public_id)
        form = ConfirmForm(request.POST, expected=key.name)
        if not form.is_valid():
            return self.page(key=key, form=form, status=422)
        api_keys.revoke(api_key=key, by=self.access.actor, at=timezone.now())
        messages.success(request, _("The key “%(name)s” no longer works.") % {"name": key.name})
        return redirect("api_keys")

"""Rows of the form of a rule: what it gives besides points, and its limits for one member."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import choices_of, condition_values
from rewards.admin.words import GRANT_LABELS, PERIOD_LABELS
from rewards.domain.rules import GrantKind
from tenants.admin.forms import StaffForm
from tenants.admin.pickers import Finder

_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")


class _FinderByKind(Finder):
    """Searches among what the row's kind means."""

    def whence(self) -> SafeString:
        return format_html('data-finds="{}" data-finds-by="kind"', reverse("choices", args=["kind"]))


def _key_of(kind: str, text: str) -> str:
    """Return the key that was meant; one that nothing has yet is kept, and the linter says so."""
    if kind in choices_of.SOURCES:
        try:
            return choices_of.source(kind).key_of(text)
        except forms.ValidationError:
            if _SLUG.fullmatch(text) is None:
                raise
    if _SLUG.fullmatch(text) is None:
        raise forms.ValidationError(_("Letters, digits, - and _, up to 60."))
    return text


class GrantRow(StaffForm):
    """Something other than points that the rule gives."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What"), required=False, choices=[("", "–"), *GRANT_LABELS.items()]
    )
    key = forms.CharField(
        label=gettext_lazy("Which one"), max_length=300, required=False, widget=_FinderByKind(None)
    )
    amount = forms.CharField(
        label=gettext_lazy("Progress, days or value"), max_length=40, required=False,
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind, key = (str(self.initial.get(name) or "") for name in ("kind", "key"))
        if kind in choices_of.SOURCES:
            source = choices_of.source(kind)
            self.initial = {**self.initial, "key": source.text(key, source.named([key]).get(key, key))}

    def is_given(self) -> bool:
        return bool(self.cleaned_data.get("kind")) and not self.cleaned_data.get("DELETE")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        kind, amount = values.get("kind"), values.get("amount", "").strip()
        if kind and values.get("key"):
            try:
                values["key"] = _key_of(kind, values["key"].strip())
            except forms.ValidationError as error:
                self.add_error("key", error)
        if kind and not values.get("key") and "key" not in self.errors:
            self.add_error("key", _("This is needed."))
        is_whole = amount.isascii() and amount.isdigit()
        if kind in {GrantKind.CHALLENGE.value, GrantKind.TIER.value} and amount and not is_whole:
            self.add_error("amount", _("Enter a whole number."))
        return values

    def effect(self) -> dict[str, Any]:
        kind, amount = self.cleaned_data["kind"], self.cleaned_data["amount"].strip()
        effect: dict[str, Any] = {"type": kind, kind: self.cleaned_data["key"]}
        if kind == GrantKind.CHALLENGE.value:
            effect["progress"] = int(amount or 1)
        if kind == GrantKind.TIER.value and amount:
            effect["days"] = int(amount)
        if kind == GrantKind.TRAIT.value:
            value = condition_values.read(amount) if amount else 1
            effect["value"] = amount if isinstance(value, bool) else value
        return effect


def grant_values(effect: Mapping[str, Any]) -> dict[str, Any]:
    """Return the initial values of a row."""
    kind = effect["type"]
    amount = {"challenge": effect.get("progress"), "tier": effect.get("days")}
    if kind == GrantKind.TRAIT.value:
        amount[kind] = condition_values.write(effect["value"])
    return {"kind": kind, "key": effect[kind], "amount": amount.get(kind)}


class CapRow(StaffForm):
    """A limit of the rule for one member."""

    limit = forms.IntegerField(label=gettext_lazy("At most"), min_value=0, required=False)
    of = forms.ChoiceField(
        label=gettext_lazy("Of what"),
        choices=[("points", gettext_lazy("points")), ("times", gettext_lazy("times"))],
    )
    per = forms.ChoiceField(label=gettext_lazy("Per"), choices=list(PERIOD_LABELS.items()))

    def is_given(self) -> bool:
        return self.cleaned_data.get("limit") is not None and not self.cleaned_data.get("DELETE")

    def cap(self) -> dict[str, Any]:
        values = self.cleaned_data
        return {"per": values["per"], values["of"]: values["limit"]}


def cap_values(cap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the initial values of a row."""
    of = "points" if "points" in cap else "times"
    return {"limit": cap[of], "of": of, "per": cap["per"]}


GrantRows = forms.formset_factory(GrantRow, extra=0, can_delete=True)
CapRows = forms.formset_factory(CapRow, extra=0, can_delete=True)

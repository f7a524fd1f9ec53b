"""Rows of the form of a rule: what it gives besides points, and its limits for one member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from rewards.admin import condition_values
from rewards.admin.words import GRANT_LABELS, PERIOD_LABELS
from rewards.domain.rules import GrantKind
from tenants.admin.forms import StaffForm


class GrantRow(StaffForm):
    """Something other than points that the rule gives."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What"), required=False, choices=[("", "–"), *GRANT_LABELS.items()]
    )
    key = forms.SlugField(label=pgettext_lazy("name of a thing", "Key"), max_length=60, required=False)
    amount = forms.CharField(
        label=gettext_lazy("Progress, days or value"), max_length=40, required=False,
    )  # fmt: skip

    def is_given(self) -> bool:
        return bool(self.cleaned_data.get("kind")) and not self.cleaned_data.get("DELETE")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        kind, amount = values.get("kind"), values.get("amount", "").strip()
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

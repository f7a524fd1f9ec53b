"""Rows of the program form: each is one item of a section, found again by its key."""

from __future__ import annotations

from typing import Any

from django import forms

from tenants.admin.forms import StaffForm
from tenants.admin.keys import key_from


class Row(StaffForm):
    """One row; ``currency`` is the tenant's. A row without a name or marked for removal is not given."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    currency: str

    def __init__(self, *args: Any, currency: str = "USD", **kwargs: Any) -> None:
        self.currency = currency
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)

    def is_given(self) -> bool:
        return bool(self.cleaned_data.get("name")) and not self.cleaned_data.get("DELETE")


def given(rows: Any) -> list[Any]:
    """Return the rows of a valid formset that stay, in order."""
    return [row for row in rows if row.is_given()]


def keyed(rows: Any, fallback: str) -> list[tuple[str, Any]]:
    """Return the rows that stay with their keys; new rows get keys from their names."""
    kept = given(rows)
    taken = {row.cleaned_data["key"] for row in kept if row.cleaned_data["key"]}
    found = []
    for row in kept:
        key = row.cleaned_data["key"] or key_from(row.cleaned_data["name"], taken, fallback=fallback)
        taken.add(key)
        found.append((key, row))
    return found

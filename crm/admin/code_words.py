"""Codes of the customer domain in words; what no code says is shown as it is."""

from __future__ import annotations

from typing import Final

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()
_REJECTS: Final[dict[str, str | Promise]] = {
    "malformed": _("malformed"),
    "identity_missing": _("without a customer"),
    "identity_invalid": _("customer cannot be read"),
    "occurred_at_out_of_range": _("time out of range"),
    "schema_violation": _("against the schema"),
}
_MERGES: Final[dict[str, str | Promise]] = {
    "duplicate": _("Duplicate"),
    "identify": _("A visitor who said who they are"),
}


@register.filter
def reject_reason(code: str) -> str | Promise:
    """Say why an event was refused."""
    return _REJECTS.get(code, code)


@register.filter
def merge_reason(text: str) -> str | Promise:
    """Say why two customers were merged: staff's own words, or those of the product."""
    return _MERGES.get(text, text)

"""What jobs were asked and what they say, in words: the names of parameters are the code's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.admin import formats

_LABELS: Final = {
    "accepted": gettext_lazy("Accepted"),
    "brings_segments": gettext_lazy("Brings segments along"),
    "candidates": gettext_lazy("Candidates"),
    "changed": gettext_lazy("Changed"),
    "codes": gettext_lazy("Codes"),
    "completed": gettext_lazy("Completed"),
    "count": gettext_lazy("Count"),
    "days": gettext_lazy("Days"),
    "entries": gettext_lazy("Entries"),
    "erased": gettext_lazy("Erased"),
    "errors": gettext_lazy("Errors found there"),
    "events": gettext_lazy("Events"),
    "exports": gettext_lazy("Exports"),
    "filters": gettext_lazy("Filters"),
    "findings": gettext_lazy("Findings"),
    "gathered": gettext_lazy("Gathered"),
    "given": gettext_lazy("Given"),
    "imports": gettext_lazy("Imports"),
    "keys": gettext_lazy("Keys"),
    "list": gettext_lazy("List"),
    "members": gettext_lazy("Members"),
    "model": gettext_lazy("Model"),
    "month_ends": gettext_lazy("Month ends"),
    "number": gettext_lazy("Revision"),
    "orders": gettext_lazy("Orders"),
    "points": gettext_lazy("Points"),
    "rejected_again": gettext_lazy("Rejected again"),
    "respelled": gettext_lazy("Respelled"),
    "returns": gettext_lazy("Returns"),
    "revision": gettext_lazy("Draft there"),
    "rewarded": gettext_lazy("Rewarded"),
    "rows_accepted": gettext_lazy("Rows accepted"),
    "rows_read": gettext_lazy("Rows read"),
    "segments": gettext_lazy("Segments brought along"),
    "sent_again": gettext_lazy("Sent again"),
    "settled": gettext_lazy("Settled"),
    "since": gettext_lazy("Since"),
    "tenant": gettext_lazy("Tenant"),
    "transactions": gettext_lazy("Transactions"),
    "until": gettext_lazy("Until"),
}
# Rows by their ids, who asked once more, and what only the job itself needs to know.
_HIDDEN: Final = frozenset({
    "by", "export", "import_run", "is_moved", "label", "pool_id", "public_id", "request", "request_id",
    "tenant_id", "unknown", "user_id",
})  # fmt: skip


def facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return parameters or a result as (label, text), without what means nothing to who reads it."""
    return [
        (str(_LABELS.get(name, name.replace("_", " ").capitalize())), _text(value))
        for name, value in values.items()
        if name not in _HIDDEN and not isinstance(value, dict) and not _is_of_rows(value)
    ]


def _is_of_rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict | list) for each in value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return formats.number(value)
    if value is None or value == "":
        return "–"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "–"
    return _moment(value) if isinstance(value, str) else str(value)


def _moment(text: str) -> str:
    """Write a moment in the page's zone; any other text stays as it is."""
    try:
        found = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        found = None
    if found is None or timezone.is_naive(found):
        return text
    return formats.moment(found)

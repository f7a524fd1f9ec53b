"""The fields that say when points end, shared by wallets, their tiers and rules with an end of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rewards.domain.expiry import Expiry, ExpiryKind, Period
from tenants.admin.forms import StaffForm

KIND_LABELS: Final[Mapping[str, str | Promise]] = {
    ExpiryKind.NEVER.value: gettext_lazy("Never"),
    ExpiryKind.ROLLING.value: gettext_lazy("Months after they were earned"),
    ExpiryKind.CALENDAR.value: gettext_lazy("At the end of a month, quarter or year"),
    ExpiryKind.INACTIVITY.value: gettext_lazy("Months after the member's last move"),
}
PERIOD_LABELS: Final[Mapping[str, str | Promise]] = {
    Period.MONTH.value: gettext_lazy("the month"),
    Period.QUARTER.value: gettext_lazy("the quarter"),
    Period.YEAR.value: gettext_lazy("the year"),
}
_NEEDS_MONTHS: Final = (ExpiryKind.ROLLING.value, ExpiryKind.INACTIVITY.value)
PARTS: Final = ("kind", "months", "period", "grace_days")


def add_to(
    form: StaffForm,
    prefix: str,
    *,
    label: Any,
    without: Any = None,
    kinds: tuple[str, ...] = tuple(KIND_LABELS),
) -> None:
    """Give a form the fields of an expiry; ``without`` is the choice of having none of its own."""
    first = [] if without is None else [("", without)]
    form.fields |= {
        f"{prefix}_kind": forms.ChoiceField(
            label=label,
            required=without is None,
            choices=[*first, *((kind, KIND_LABELS[kind]) for kind in kinds)],
        ),
        f"{prefix}_months": forms.IntegerField(
            label=gettext_lazy("Months"), min_value=0, max_value=1200, required=False,
            help_text=gettext_lazy("Of a calendar end: counted before the period is looked up."),
        ),
        f"{prefix}_period": forms.ChoiceField(
            label=gettext_lazy("Calendar: the end of"), choices=list(PERIOD_LABELS.items()), required=False
        ),
        f"{prefix}_grace_days": forms.IntegerField(
            label=gettext_lazy("Calendar: days of grace"), min_value=0, max_value=3650, required=False
        ),
    }  # fmt: skip


def names(prefix: str) -> list[str]:
    """Return the names of the fields that ``add_to`` added."""
    return [f"{prefix}_{part}" for part in PARTS]


def check(form: StaffForm, prefix: str) -> None:
    """Refuse, beside its field, an end that says not when."""
    values = form.cleaned_data
    months = f"{prefix}_months"
    if values.get(f"{prefix}_kind") in _NEEDS_MONTHS and not values.get(months) and months not in form.errors:
        form.add_error(months, _("Say after how many months the points end."))


def written(values: Mapping[str, Any], prefix: str) -> dict[str, Any] | None:
    """Return the part of the document, or ``None`` for no expiry of its own."""
    kind = values.get(f"{prefix}_kind")
    if not kind:
        return None
    document: dict[str, Any] = {"kind": kind}
    if kind != ExpiryKind.NEVER.value:
        document["months"] = values[f"{prefix}_months"] or 0
    if kind == ExpiryKind.CALENDAR.value:
        document["period"] = values[f"{prefix}_period"] or Period.YEAR.value
        document["grace_days"] = values[f"{prefix}_grace_days"] or 0
    return document


def initial(expiry: Mapping[str, Any] | None, prefix: str) -> dict[str, Any]:
    """Return the initial values of the fields."""
    given = expiry or {}
    values = {f"{prefix}_{part}": given.get(part) for part in PARTS}
    return values | {f"{prefix}_period": given.get("period", Period.YEAR.value)}


def in_words(expiry: Expiry) -> str:
    """Write when points end: “12 months after they were earned”."""
    if expiry.kind is ExpiryKind.NEVER:
        return _("never expires")
    if expiry.kind is ExpiryKind.CALENDAR:
        return _calendar(expiry)
    months = ngettext("%(n)s month", "%(n)s months", expiry.months) % {"n": expiry.months}
    if expiry.kind is ExpiryKind.INACTIVITY:
        return _("expires %(months)s after the last move") % {"months": months}
    return _("expires %(months)s after the day it was earned") % {"months": months}


def _calendar(expiry: Expiry) -> str:
    text = _("expires with %(period)s") % {"period": PERIOD_LABELS[expiry.period.value]}
    if expiry.months:
        months = ngettext("%(n)s month", "%(n)s months", expiry.months) % {"n": expiry.months}
        text = _("expires with %(period)s that is running %(months)s later") % {
            "period": PERIOD_LABELS[expiry.period.value], "months": months,
        }  # fmt: skip
    if not expiry.grace_days:
        return text
    days = ngettext("%(n)s day", "%(n)s days", expiry.grace_days) % {"n": expiry.grace_days}
    return _("%(expiry)s, plus %(days)s of grace") % {"expiry": text, "days": days}

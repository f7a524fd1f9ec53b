"""The forms of the wizard: the file, and what becomes of each of its columns."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.forms import formset_factory
from django.utils.translation import gettext_lazy as _

from crm.admin.import_words import kind_choices
from crm.domain.import_fields import OPEN_TYPES, FieldSet
from crm.domain.text_shapes import ENCODINGS
from tenants.admin.forms import StaffForm, offer

_TYPES: Final = {
    "text": _("Text"),
    "whole": _("Whole number"),
    "number": _("Number"),
    "boolean": _("Yes or no"),
    "day": _("Date"),
    "moment": _("Date and time"),
}
_DATE_FORMATS: Final = [
    ("dmy", _("Day, month, year")),
    ("mdy", _("Month, day, year")),
    ("excel", _("Days as Excel counts them")),
    ("unix", _("Seconds since 1970")),
    ("unix_ms", _("Milliseconds since 1970")),
]
_MISSING: Final = [
    ("keep", _("Keep what is there")),
    ("fill", _("Fill in a value")),
    ("previous", _("Take the value of the row above")),
    ("drop", _("Leave the row out")),
]


class UploadForm(StaffForm):
    kind = forms.ChoiceField(label=_("What is in the file?"))
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, XLSX or Parquet, with the column names in the first row."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.parquet"}),
    )
    encoding = forms.ChoiceField(
        label=_("Encoding"),
        required=False,
        choices=[("", _("Find out")), *((name, name) for name in ENCODINGS)],
        help_text=_("Only if names look wrong in the next step."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "kind", kind_choices())


class ColumnForm(StaffForm):
    """One column. Options that do not fit the chosen field are ignored by the plan."""

    source = forms.CharField(widget=forms.HiddenInput, max_length=300, strip=False)
    target = forms.ChoiceField(label=_("Becomes"), required=False)
    type = forms.ChoiceField(label=_("Type"), required=False)
    date_format = forms.ChoiceField(label=_("Dates are written"), required=False, choices=_DATE_FORMATS)
    decimal_comma = forms.BooleanField(label=_("Decimal comma (1.234,50)"), required=False)
    is_minor = forms.BooleanField(label=_("Amounts in minor units (cents)"), required=False)
    missing = forms.ChoiceField(label=_("Blank cells"), required=False, choices=_MISSING)
    fill = forms.CharField(label=_("Value to fill in"), required=False, max_length=300)

    def __init__(self, *args: Any, fields: FieldSet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = str((self.data.get(self.add_prefix("source")) or self.initial.get("source")) or "")
        chosen = str(self.data.get(self.add_prefix("target")) or self.initial.get("target") or "")
        choices: list[Any] = [("", _("– leave out –")), *((each.key, each.label) for each in fields.fields)]
        if fields.open_prefix:
            own = {fields.open_prefix + _slug(source), chosen}
            names = sorted(each for each in own if each.startswith(fields.open_prefix))
            choices += [
                (name, f"{_('Own field')}: {name.removeprefix(fields.open_prefix)}") for name in names
            ]
        offer(self, "target", choices)
        offer(self, "type", [(each, _TYPES[each]) for each in OPEN_TYPES])

    def plan(self) -> dict[str, Any]:
        values = self.cleaned_data
        plan = {"source": values["source"], "target": values["target"]}
        if not values["target"]:
            return plan
        return {
            **plan,
            "type": values["type"],
            "date_format": values["date_format"] or "dmy",
            "decimal_comma": values["decimal_comma"],
            "unit": "minor" if values["is_minor"] else "major",
            "missing": values["missing"] or "keep",
            "fill": values["fill"],
        }


class SettingsForm(StaffForm):
    """What holds for the whole file."""

    zone = forms.CharField(
        label=_("Time zone of the times"), max_length=60, required=False,
        help_text=_("Such as Asia/Shanghai; the tenant's when empty."),
    )  # fmt: skip
    currency = forms.CharField(label=_("Currency"), max_length=3, required=False)
    clears_blank = forms.BooleanField(label=_("A blank cell clears what is there"), required=False)


class OrderRulesForm(StaffForm):
    """What only order files have."""

    cancellation_prefix = forms.CharField(
        label=_("Cancellations begin with"), max_length=10, required=False,
        help_text=_("For example C, when C536379 cancels lines sold before."),
    )  # fmt: skip
    order_pattern = forms.CharField(
        label=_("Order ids match"), max_length=100, required=False,
        help_text=_("A regular expression; rows with other ids are set aside."),
    )  # fmt: skip
    charge_codes = forms.CharField(
        label=_("Item ids that are no products"), max_length=1000, required=False,
        help_text=_("Postage, fees and the like, separated by commas."),
    )  # fmt: skip
    folds_sku_case = forms.BooleanField(label=_("Item ids differ only in case"), required=False)
    allows_free_lines = forms.BooleanField(label=_("Lines may cost nothing"), required=False)
    outliers = forms.ChoiceField(
        label=_("Absurd quantities and prices"),
        choices=[("off", _("Do not look")), ("flag", _("Count them")), ("quarantine", _("Set them aside"))],
        help_text=_("Far from the item's median, in robust deviations of the logarithm."),
    )
    outlier_deviations = forms.FloatField(label=_("From this many deviations"), min_value=1, max_value=100)
    outlier_least_quantity = forms.IntegerField(label=_("Quantities from"), min_value=1, max_value=1_000_000)

    def plan(self) -> dict[str, Any]:
        codes = [code.strip() for code in self.cleaned_data["charge_codes"].split(",") if code.strip()]
        return {**self.cleaned_data, "charge_codes": codes}


ColumnRows: Any = formset_factory(ColumnForm, extra=0, max_num=500, absolute_max=500)


def _slug(name: str) -> str:
    return re.sub(r"[^\w]+", "_", name.casefold()).strip("_")[:60]

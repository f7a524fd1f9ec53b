"""Building a segment's rule in rows: what, compared how, with what."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import trait_labels
from crm.admin.rule_words import MEASURE_LABELS, MONEY_MEASURES, OP_LABELS
from crm.domain.rules import Op, Source
from crm.models import AttributeDefinition
from crm.models.attribute_definition import AttributeSubject, AttributeType
from crm.queries.trait_names import trait_names
from tenants.admin.formats import exponent
from tenants.admin.forms import StaffForm

_WITHOUT_VALUE = frozenset({Op.EXISTS.value, Op.MISSING.value})
_YES = frozenset({"yes", "true", "1", "是"})
_ALL, _ANY = "all", "any"


class RuleForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=500, required=False)
    match = forms.ChoiceField(
        label=gettext_lazy("Customers belong when"),
        choices=[(_ALL, gettext_lazy("all conditions hold")), (_ANY, gettext_lazy("any condition holds"))],
    )


class StaticForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=500, required=False)
    customers = forms.CharField(
        label=gettext_lazy("Customers"),
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy("External ids or e-mails, one a line."),
    )

    def lines(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["customers"].splitlines() if line.strip()]


class ConditionRow(StaffForm):
    subject = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    op = forms.ChoiceField(label=gettext_lazy("Comparison"), choices=list(OP_LABELS.items()), required=False)
    value = forms.CharField(label=gettext_lazy("Value"), max_length=300, required=False)

    def __init__(self, *args: Any, subjects: Subjects, **kwargs: Any) -> None:
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        self.subjects = subjects
        self.fields["subject"].choices = subjects.choices()  # type: ignore[attr-defined]  # a ChoiceField

    def is_given(self) -> bool:
        return bool(self.cleaned_data.get("subject")) and not self.cleaned_data.get("DELETE")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("subject"):
            self._add_condition(values)
        return values

    def _add_condition(self, values: dict[str, Any]) -> None:
        kind, _colon, name = values["subject"].partition(":")
        condition: dict[str, Any] = {kind: name, "op": values["op"]}
        if values["op"] not in _WITHOUT_VALUE:
            parts = [part.strip() for part in values["value"].split(",") if part.strip()]
            try:
                found = [self.subjects.value(kind, name, part) for part in parts]
            except (InvalidOperation, ValueError, OverflowError):
                found = []
            if not found:
                self.add_error("value", _("Give a value that fits."))
                return
            condition["value"] = found if values["op"] == Op.IN else found[0]
        values["condition"] = condition


class Subjects:
    """What conditions can speak of: order totals, computed traits, declared attributes."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        definitions = AttributeDefinition.objects.filter(subject=AttributeSubject.CUSTOMER).order_by("label")
        self.type_by_attribute = {each.key: each.value_type for each in definitions}
        self._attributes = [(f"{Source.ATTRIBUTE}:{each.key}", each.label) for each in definitions]
        self._traits = [(f"{Source.TRAIT}:{name}", trait_labels.label_of(name)) for name in trait_names()]

    def choices(self) -> list[Any]:
        measures = [(f"{Source.ORDERS}:{name}", label) for name, label in MEASURE_LABELS.items()]
        groups: list[Any] = [("", "–"), (_("Orders"), measures)]
        if self._traits:
            groups.append((_("Predictions"), self._traits))
        if self._attributes:
            groups.append((_("Attributes"), self._attributes))
        return groups

    def value(self, kind: str, name: str, text: str) -> str | int | float | bool:
        """Read what was typed as the subject's type: money in major units, shares in percent."""
        if kind == Source.ORDERS:
            if name in MONEY_MEASURES:
                return int(Decimal(text).scaleb(exponent(self.currency)))
            return int(Decimal(text))
        if kind == Source.TRAIT:
            return self._trait_value(name, text)
        attribute_type = self.type_by_attribute.get(name, AttributeType.TEXT)
        if attribute_type == AttributeType.NUMBER:
            return float(Decimal(text))
        return text.lower() in _YES if attribute_type == AttributeType.BOOLEAN else text

    def _trait_value(self, name: str, text: str) -> str | float:
        if trait_labels.is_share(name):
            return float(Decimal(text.removesuffix("%").strip()) / 100)
        try:
            number = Decimal(text)
        except InvalidOperation:
            return text
        return float(number.scaleb(exponent(self.currency)) if name.endswith("_minor") else number)


ConditionRows = forms.formset_factory(ConditionRow, extra=1, max_num=20, absolute_max=40)


def rule_of(match: str, rows: Any) -> dict[str, Any] | None:
    """Return the rule that valid rows describe, or None when no row is filled."""
    conditions = [row.cleaned_data["condition"] for row in rows if row.is_given()]
    return {match: conditions} if conditions else None

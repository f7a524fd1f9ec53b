"""Forms of a program draft: wallets, tiers and rules as rows, made from a document and back into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin.words import COMPARISON_LABELS, FIELD_LABELS, MONEY_FIELDS
from rewards.domain.conditions import SET_COMPARISONS, TEXT_FIELDS
from rewards.domain.wallets import RefundPolicy
from tenants.admin.formats import exponent
from tenants.admin.forms import StaffForm
from tenants.admin.keys import key_from

_SPARE_CONDITIONS: Final = 2
_MOST_CONDITIONS: Final = 20
_SETS: Final = frozenset(comparison.value for comparison in SET_COMPARISONS)
_TEXTS: Final = frozenset(field.value for field in TEXT_FIELDS)
_POLICIES: Final = [
    (RefundPolicy.WITHIN_BALANCE.value, gettext_lazy("Take back what is left of what they earned")),
    (RefundPolicy.ONLY_PENDING.value, gettext_lazy("Take back pending points only")),
]


def to_major(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))


def to_minor(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else int(amount.scaleb(exponent(currency)).to_integral_value())


class _Row(StaffForm):
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    currency: str

    def __init__(self, *args: Any, currency: str = "USD", **kwargs: Any) -> None:
        self.currency = currency
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)

    def is_given(self) -> bool:
        return bool(self.cleaned_data.get("name")) and not self.cleaned_data.get("DELETE")


class WalletRow(_Row):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    expiry_months = forms.IntegerField(
        label=gettext_lazy("Points expire after (months)"), min_value=1, max_value=1200, required=False,
        help_text=gettext_lazy("Empty is never."),
    )  # fmt: skip
    refund_policy = forms.ChoiceField(label=gettext_lazy("A return"), choices=_POLICIES)


class TierRow(_Row):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    threshold = forms.DecimalField(
        label=gettext_lazy("From spend in 365 days"), min_value=0, max_digits=15, decimal_places=3
    )


class RuleRow(_Row):
    """One earning rule. Conditions are numbered fields, with spare ones to fill."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    wallet = forms.ChoiceField(label=gettext_lazy("Into"))
    points = forms.IntegerField(label=gettext_lazy("Points"), min_value=1)
    per_amount = forms.DecimalField(
        label=gettext_lazy("For each amount of"), min_value=0, max_digits=15, decimal_places=3,
        required=False,
        help_text=gettext_lazy("Empty gives the points once per order."),
    )  # fmt: skip
    priority = forms.IntegerField(
        label=gettext_lazy("Order"), min_value=0, max_value=10_000, initial=100,
        help_text=gettext_lazy("Small numbers come first."),
    )  # fmt: skip
    stops = forms.BooleanField(label=gettext_lazy("Ends the list when it matches"), required=False)
    categories = forms.CharField(
        label=gettext_lazy("Only these categories"), required=False,
        help_text=gettext_lazy("Separated by commas; empty is all."),
    )  # fmt: skip
    category_percent = forms.CharField(
        label=gettext_lazy("Categories that pay more or less"), required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "GROCERY = 200"}),
        help_text=gettext_lazy("One a line, in percent: 200 doubles."),
    )  # fmt: skip
    tier_percent = forms.CharField(
        label=gettext_lazy("Tiers that earn more"), required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "gold = 125"}),
        help_text=gettext_lazy("One a line, by the tier's key, in percent."),
    )  # fmt: skip
    cap_per_order = forms.IntegerField(label=gettext_lazy("At most per order"), min_value=0, required=False)
    cap_per_month = forms.IntegerField(label=gettext_lazy("At most per month"), min_value=0, required=False)
    slots = forms.IntegerField(
        widget=forms.HiddenInput, required=False, min_value=0, max_value=_MOST_CONDITIONS
    )

    def __init__(self, *args: Any, wallets: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["wallet"].choices = list(wallets)  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["slots"].initial = self._slots()
        for slot in range(self._slots()):
            self._add_condition(slot)

    def _slots(self) -> int:
        if self.is_bound:
            text = str(self.data.get(self.add_prefix("slots"), ""))
            return min(int(text), _MOST_CONDITIONS) if text.isascii() and text.isdigit() else 0
        known = (self.initial or {}).get("known_conditions", 0)
        return int(known) + _SPARE_CONDITIONS

    def _add_condition(self, slot: int) -> None:
        self.fields[f"field_{slot}"] = forms.ChoiceField(
            label=_("Condition"), required=False, choices=[("", "–"), *FIELD_LABELS.items()]
        )
        self.fields[f"op_{slot}"] = forms.ChoiceField(
            label=_("Comparison"), required=False, choices=list(COMPARISON_LABELS.items())
        )
        self.fields[f"value_{slot}"] = forms.CharField(label=_("Value"), required=False, max_length=300)

    def condition_fields(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        return [
            (self[f"field_{slot}"], self[f"op_{slot}"], self[f"value_{slot}"])
            for slot in range(self._slots())
        ]

    def plain_fields(self) -> list[forms.BoundField]:
        """Return the visible fields that are no condition and no tick for deletion."""
        return [
            field
            for field in self.visible_fields()
            if field.name != "DELETE" and field.name.partition("_")[0] not in {"field", "op", "value"}
        ]

    def clean_category_percent(self) -> dict[str, int]:
        return _percents(self.cleaned_data["category_percent"])

    def clean_tier_percent(self) -> dict[str, int]:
        return _percents(self.cleaned_data["tier_percent"])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        values["conditions"] = [
            self._condition(slot, values) for slot in range(self._slots()) if values.get(f"field_{slot}")
        ]
        return values

    def _condition(self, slot: int, values: Mapping[str, Any]) -> dict[str, Any]:
        field, comparison = values[f"field_{slot}"], values.get(f"op_{slot}")
        text = values.get(f"value_{slot}", "")
        parts = [part.strip() for part in text.split(",") if part.strip()]
        try:
            found = [self._operand(field, part) for part in parts]
        except (ValueError, ArithmeticError):
            found = []
        if not found:
            self.add_error(f"value_{slot}", _("Give a value that fits the condition."))
        is_set = comparison in _SETS
        return {"field": field, "op": comparison, "value": found if is_set else next(iter(found), 0)}

    def _operand(self, field: str, text: str) -> str | int:
        if field in _TEXTS:
            return text
        if field in MONEY_FIELDS:
            return to_minor(Decimal(text), self.currency) or 0
        return int(text)


def _percents(text: str) -> dict[str, int]:
    """Read lines of ``name = percent``."""
    found: dict[str, int] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, separator, percent = line.rpartition("=")
        number = percent.strip().removesuffix("%").strip()
        if not separator or not name.strip() or not (number.isascii() and number.isdigit()):
            raise forms.ValidationError(_("Write each line as: name = percent."))
        found[name.strip()] = int(number)
    return found


WalletRows = forms.formset_factory(WalletRow, extra=0)
TierRows = forms.formset_factory(TierRow, extra=0, can_delete=True)
RuleRows = forms.formset_factory(RuleRow, extra=0, can_delete=True)


def rows_of(document: Mapping[str, Any], currency: str) -> dict[str, list[dict[str, Any]]]:
    """Return the initial rows of the three formsets."""
    return {
        "wallets": [dict(wallet) for wallet in document["wallets"]],
        "tiers": [
            {**tier, "threshold": to_major(tier["threshold_minor"], currency)} for tier in document["tiers"]
        ],
        "rules": [_rule_row(rule, currency) for rule in document["rules"]],
    }


def _rule_row(rule: Mapping[str, Any], currency: str) -> dict[str, Any]:
    row = {
        **rule,
        "per_amount": to_major(rule["per_minor"], currency),
        "categories": ", ".join(rule["categories"]),
        "category_percent": "\n".join(
            f"{name} = {value}" for name, value in rule["category_percent"].items()
        ),
        "tier_percent": "\n".join(f"{name} = {value}" for name, value in rule["tier_percent"].items()),
        "cap_per_order": rule["caps"]["per_order"],
        "cap_per_month": rule["caps"]["per_month"],
        "known_conditions": len(rule["conditions"]),
    }
    for slot, condition in enumerate(rule["conditions"]):
        row[f"field_{slot}"], row[f"op_{slot}"] = condition["field"], condition["op"]
        row[f"value_{slot}"] = _written(condition["field"], condition["value"], currency)
    return row


def _written(field: str, value: Any, currency: str) -> str:
    if isinstance(value, list):
        return ", ".join(_written(field, part, currency) for part in value)
    return str(to_major(value, currency)) if field in MONEY_FIELDS else str(value)


def document_of(wallets: Any, tiers: Any, rules: Any) -> dict[str, Any]:
    """Return the document that the valid formsets describe; new rows get keys from their names."""
    return {
        "schema": 1,
        "wallets": [
            {
                "key": row.cleaned_data["key"],
                "name": row.cleaned_data["name"],
                "expiry_months": row.cleaned_data["expiry_months"],
                "refund_policy": row.cleaned_data["refund_policy"],
            }
            for row in wallets
        ],
        "tiers": [
            {
                "key": key,
                "name": row.cleaned_data["name"],
                "threshold_minor": to_minor(row.cleaned_data["threshold"], row.currency),
            }
            for key, row in _keyed(tiers, "tier")
        ],
        "rules": [_rule(key, row) for key, row in _keyed(rules, "rule")],
    }


def _keyed(rows: Any, fallback: str) -> list[tuple[str, Any]]:
    given = [row for row in rows if row.is_given()]
    taken = {row.cleaned_data["key"] for row in given if row.cleaned_data["key"]}
    keyed = []
    for row in given:
        key = row.cleaned_data["key"] or key_from(row.cleaned_data["name"], taken, fallback=fallback)
        taken.add(key)
        keyed.append((key, row))
    return keyed


def _rule(key: str, row: RuleRow) -> dict[str, Any]:
    values = row.cleaned_data
    return {
        "key": key,
        "name": values["name"],
        "wallet": values["wallet"],
        "trigger": "order",
        "priority": values["priority"],
        "stops": values["stops"],
        "conditions": values["conditions"],
        "points": values["points"],
        "per_minor": to_minor(values["per_amount"], row.currency),
        "categories": [part.strip() for part in values["categories"].split(",") if part.strip()],
        "category_percent": values["category_percent"],
        "tier_percent": values["tier_percent"],
        "caps": {"per_order": values["cap_per_order"], "per_month": values["cap_per_month"]},
    }

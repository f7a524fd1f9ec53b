"""Forms of a program draft: wallets, tiers and budgets as rows, made from a document and back into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from rewards.admin.money import to_major, to_minor
from rewards.domain.budgets import Period, WhenExhausted
from rewards.domain.wallets import RefundPolicy
from tenants.admin.forms import StaffForm
from tenants.admin.keys import key_from

_POLICIES: Final = [
    (RefundPolicy.WITHIN_BALANCE.value, gettext_lazy("Take back what is left of what they earned")),
    (RefundPolicy.ONLY_PENDING.value, gettext_lazy("Take back pending points only")),
]
_PERIODS: Final = [
    (Period.DAY.value, gettext_lazy("a day")),
    (Period.WEEK.value, gettext_lazy("a week")),
    (Period.MONTH.value, gettext_lazy("a month")),
    (Period.PROGRAM.value, gettext_lazy("in all")),
]
_EXHAUSTED: Final = [
    (WhenExhausted.GIVE_REST.value, gettext_lazy("Give what is left, then nothing")),
    (WhenExhausted.GIVE_NOTHING.value, gettext_lazy("Give nothing that does not fit whole")),
]


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
    thousand_points = forms.DecimalField(
        label=gettext_lazy("Cost of 1,000 points"), min_value=0, max_digits=15, decimal_places=3,
        required=False,
        help_text=gettext_lazy("What they cost you when they are spent; needed for budgets in money."),
    )  # fmt: skip


class TierRow(_Row):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    threshold = forms.DecimalField(
        label=gettext_lazy("From spend in 365 days"), min_value=0, max_digits=15, decimal_places=3
    )


class BudgetRow(_Row):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    period = forms.ChoiceField(label=gettext_lazy("Counts over"), choices=_PERIODS, initial="month")
    points = forms.IntegerField(label=gettext_lazy("Most points"), min_value=0, required=False)
    money = forms.DecimalField(
        label=gettext_lazy("Most money"), min_value=0, max_digits=15, decimal_places=3, required=False
    )
    when_exhausted = forms.ChoiceField(label=gettext_lazy("When it runs out"), choices=_EXHAUSTED)


class PolicyForm(StaffForm):
    backdating_days = forms.IntegerField(
        label=gettext_lazy("Late events count for (days)"), min_value=0, max_value=3650, required=False,
        help_text=gettext_lazy("Older ones earn nothing. Empty is no limit."),
    )  # fmt: skip


WalletRows = forms.formset_factory(WalletRow, extra=0)
TierRows = forms.formset_factory(TierRow, extra=0, can_delete=True)
BudgetRows = forms.formset_factory(BudgetRow, extra=0, can_delete=True)


def rows_of(document: Mapping[str, Any], currency: str) -> dict[str, list[dict[str, Any]]]:
    """Return the initial rows of the formsets."""
    return {
        "wallets": [
            {**wallet, "thousand_points": to_major(wallet.get("thousand_points_minor"), currency)}
            for wallet in document["wallets"]
        ],
        "tiers": [
            {**tier, "threshold": to_major(tier["threshold_minor"], currency)} for tier in document["tiers"]
        ],
        "budgets": [
            {**budget, "money": to_major(budget["money_minor"], currency)} for budget in document["budgets"]
        ],
    }


def sections_of(wallets: Any, tiers: Any, budgets: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the sections that the valid formsets describe; new rows get keys from their names."""
    return {
        "wallets": [_wallet(row) for row in wallets],
        "tiers": [
            {
                "key": key,
                "name": row.cleaned_data["name"],
                "threshold_minor": to_minor(row.cleaned_data["threshold"], row.currency),
            }
            for key, row in _keyed(tiers, "tier")
        ],
        "budgets": [_budget(key, row) for key, row in _keyed(budgets, "budget")],
    }


def _wallet(row: WalletRow) -> dict[str, Any]:
    values = row.cleaned_data
    return {
        "key": values["key"],
        "name": values["name"],
        "expiry_months": values["expiry_months"],
        "refund_policy": values["refund_policy"],
        "thousand_points_minor": to_minor(values["thousand_points"], row.currency),
    }


def _budget(key: str, row: BudgetRow) -> dict[str, Any]:
    values = row.cleaned_data
    return {
        "key": key,
        "name": values["name"],
        "period": values["period"],
        "points": values["points"],
        "money_minor": to_minor(values["money"], row.currency),
        "when_exhausted": values["when_exhausted"],
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

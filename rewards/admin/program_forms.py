"""Forms of a program draft: wallets, tiers, budgets and limits as rows, made from a document and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import words
from rewards.admin.money import to_major, to_minor
from rewards.admin.program_rows import Row, given, keyed
from rewards.admin.wallet_forms import WalletRow, wallet_values
from rewards.domain.budgets import Period, WhenExhausted
from tenants.admin.forms import StaffForm, offer

PERIODS: Final = [
    (Period.DAY.value, gettext_lazy("a day")),
    (Period.WEEK.value, gettext_lazy("a week")),
    (Period.MONTH.value, gettext_lazy("a month")),
    (Period.PROGRAM.value, gettext_lazy("in all")),
]
EXHAUSTED: Final = [
    (WhenExhausted.GIVE_REST.value, gettext_lazy("Give what is left, then nothing")),
    (WhenExhausted.GIVE_NOTHING.value, gettext_lazy("Give nothing that does not fit whole")),
]


class TierRow(Row):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    threshold = forms.DecimalField(
        label=gettext_lazy("From spend in 365 days"), min_value=0, max_digits=18, decimal_places=3
    )


class BudgetRow(Row):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    period = forms.ChoiceField(label=gettext_lazy("Counts over"), choices=PERIODS, initial="month")
    points = forms.IntegerField(label=gettext_lazy("Most points"), min_value=0, required=False)
    money = forms.DecimalField(
        label=gettext_lazy("Most money"), min_value=0, max_digits=18, decimal_places=3, required=False
    )
    when_exhausted = forms.ChoiceField(label=gettext_lazy("When it runs out"), choices=EXHAUSTED)


class MemberCapRow(StaffForm):
    """The most points that all rules together give one member."""

    wallet = forms.ChoiceField(label=gettext_lazy("Wallet"))
    points = forms.IntegerField(
        label=gettext_lazy("Most points"), min_value=0, max_value=1_000_000_000, required=False
    )
    per = forms.ChoiceField(
        label=gettext_lazy("Counts over"), choices=list(words.PERIOD_LABELS.items()), initial="month"
    )

    def __init__(self, *args: Any, wallets: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        offer(self, "wallet", wallets)

    def is_given(self) -> bool:
        return self.cleaned_data.get("points") is not None and not self.cleaned_data.get("DELETE")

    def cap(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("wallet", "per", "points")}


class PolicyForm(StaffForm):
    backdating_days = forms.IntegerField(
        label=gettext_lazy("Late events count for (days)"), min_value=0, max_value=3650, required=False,
        help_text=gettext_lazy("Older ones earn nothing. Empty is no limit."),
    )  # fmt: skip
    exchange_rates = forms.CharField(
        label=gettext_lazy("Exchange rates"), required=False, max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "One a line: a currency, and what one unit of it is worth in your own, such as JPY 0.0067. "
            "Orders in other currencies earn nothing by their money."
        ),
    )  # fmt: skip

    def clean_exchange_rates(self) -> dict[str, str]:
        """Read the rates as the document has them; limits are the document's to tell."""
        rates: dict[str, str] = {}
        for line in str(self.cleaned_data["exchange_rates"]).splitlines():
            if not line.strip():
                continue
            found = re.fullmatch(r"\s*([A-Za-z]{3})\s*[=:]?\s*([0-9]{1,7}(?:\.[0-9]{1,10})?)\s*", line)
            if found is None or not Decimal(found[2]):
                text = _("“%(line)s” is no currency with a rate, such as JPY 0.0067.")
                raise forms.ValidationError(text, params={"line": line.strip()[:60]})
            rates[found[1].upper()] = found[2]
        return rates


class _WalletFormSet(forms.BaseFormSet):  # type: ignore[type-arg]  # rows of one kind
    """The empty row that others are made from has no fields for tiers: they come once the wallet is saved."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        options: dict[str, Any] = super().get_form_kwargs(index)
        return {**options, "tiers": ()} if index is None else options


WalletRows = forms.formset_factory(WalletRow, formset=_WalletFormSet, extra=0)
TierRows = forms.formset_factory(TierRow, extra=0, can_delete=True)
BudgetRows = forms.formset_factory(BudgetRow, extra=0, can_delete=True)
MemberCapRows = forms.formset_factory(MemberCapRow, extra=0, can_delete=True)
_KINDS: Final[Mapping[str, Any]] = {
    "wallets": WalletRows, "tiers": TierRows, "budgets": BudgetRows, "member_caps": MemberCapRows,
}  # fmt: skip


def formsets_of(
    document: Mapping[str, Any], currency: str, live_wallets: frozenset[str], data: Any = None
) -> dict[str, Any]:
    """Return the formsets of a document, bound to ``data`` if given."""
    own: dict[str, dict[str, Any]] = {
        "wallets": {
            "currency": currency,
            "tiers": [(tier["key"], tier["name"]) for tier in document["tiers"]],
            "live": live_wallets,
        },
        "tiers": {"currency": currency},
        "budgets": {"currency": currency},
        "member_caps": {"wallets": [(wallet["key"], wallet["name"]) for wallet in document["wallets"]]},
    }
    rows = _rows_of(document, currency)
    return {
        name: kind(data, prefix=name, initial=None if data is not None else rows[name], form_kwargs=own[name])
        for name, kind in _KINDS.items()
    }


def _rows_of(document: Mapping[str, Any], currency: str) -> dict[str, list[dict[str, Any]]]:
    tiers = [tier["key"] for tier in document["tiers"]]
    return {
        "wallets": [wallet_values(wallet, tiers, currency) for wallet in document["wallets"]],
        "tiers": [
            {**tier, "threshold": to_major(tier["threshold_minor"], currency)} for tier in document["tiers"]
        ],
        "budgets": [
            {**budget, "money": to_major(budget["money_minor"], currency)} for budget in document["budgets"]
        ],
        "member_caps": document["policies"]["member_caps"],
    }


def edited(document: Mapping[str, Any], formsets: Mapping[str, Any], policies: PolicyForm) -> dict[str, Any]:
    """Return the document with what the valid forms say: what they do not show stays as it was."""
    former = {name: {row["key"]: row for row in document[name]} for name in ("wallets", "tiers", "budgets")}
    tiers = [
        {**former["tiers"].get(key, {}), **_tier(key, row)} for key, row in keyed(formsets["tiers"], "tier")
    ]
    kept = [tier["key"] for tier in tiers if tier["key"] in former["tiers"]]
    caps = [row.cap() for row in given(formsets["member_caps"])]
    return {
        **document,
        "wallets": [
            {"key": key, **row.wallet(former["wallets"].get(key, {}), kept)}
            for key, row in keyed(formsets["wallets"], "wallet")
        ],
        "tiers": tiers,
        "budgets": [
            {**former["budgets"].get(key, {}), **_budget(key, row)}
            for key, row in keyed(formsets["budgets"], "budget")
        ],
        "policies": _policies(document["policies"], policies, caps),
    }


def policy_values(policies: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form's initial values for the policies of a document."""
    rates = policies.get("exchange_rates", {})
    return {**policies, "exchange_rates": "\n".join(f"{name} {rate}" for name, rate in rates.items())}


def _policies(
    former: Mapping[str, Any], form: PolicyForm, caps: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the policies; a page of before rates could be typed says nothing of them."""
    values = dict(form.cleaned_data)
    if form.add_prefix("exchange_rates") not in form.data:
        values.pop("exchange_rates")
    written = {**former, **values, "member_caps": caps}
    return {name: value for name, value in written.items() if name != "exchange_rates" or value}


def forms_by_pointer(formsets: Mapping[str, Any], policies: PolicyForm) -> dict[str, StaffForm]:
    """Return which form holds which part of the document that ``edited`` wrote."""
    places: dict[str, StaffForm] = {"policies": policies}
    for name, rows in formsets.items():
        section = "policies/member_caps" if name == "member_caps" else name
        places |= {f"{section}/{index}": row for index, row in enumerate(given(rows))}
    return places


def _tier(key: str, row: TierRow) -> dict[str, Any]:
    values = row.cleaned_data
    return {
        "key": key, "name": values["name"], "threshold_minor": to_minor(values["threshold"], row.currency),
    }  # fmt: skip


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
